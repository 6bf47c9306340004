"""Why a packet is delivered or dropped: questions as packets, traces, the policy lines behind the answer."""
