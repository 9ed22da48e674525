"""The embedded store: the ClickHouse engine in a process of ours, behind ClickHouse's HTTP interface.

One idea a file: `engine` runs statements, `statements` tells what a text is, `requests` and `bodies` read what a client
sent, `inserting` and `reading` carry it out, `answers` writes what it gets, `analyst*` says what the reading user may do,
`app` joins them, `server` starts it. Source: design section 7, store_door.
"""
