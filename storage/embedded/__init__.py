"""The embedded store: the ClickHouse engine in a process of ours, behind ClickHouse's HTTP interface.

One idea a file: `engine` runs statements, `statements` tells what a text is, `door_requests`, `bodies` and `multipart`
read what a client sent, `inserting` and `reading` carry it out, `answers` and `row_answers` write what it gets,
`analyst` and its companions say what the reading user may do, `exchange` joins them, `server` starts it.
Source: design section 7, store_door.
"""
