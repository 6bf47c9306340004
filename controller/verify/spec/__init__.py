"""What an intent requires of all packets, as header space. Must not know: rules."""
