#ifndef APUS_LINE_EDITOR_H
#define APUS_LINE_EDITOR_H

/// Shows `prompt` and reads a line from the terminal, with libedit's keys for editing and for earlier lines. Returns a
/// text that `apus_line_free` takes, without its newline; NULL at the end of the input.
///
/// libedit is loaded at the first call. Where it is missing, the terminal's own editing is all there is.
char *apus_line_read(const char *prompt);

/// Gives back the text of `apus_line_read`.
void apus_line_free(char *line);

#endif
