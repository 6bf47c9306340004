"""What each kind of configuration line does to the block that it stands in.

Lives here: a function per kind of row of the grammar, from a request to the configuration afterwards and IOS' answer.
Must not know: how a line is read, sessions, prompts.
"""
