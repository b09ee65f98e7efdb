"""Films, people, viewers and events in and out in bulk: files of a row a line, each row judged alone."""
