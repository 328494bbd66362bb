// libedit is loaded when the first line is read: a server neither links nor needs it.
#include "CLineEditor.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#if defined(__APPLE__)
static const char library_file[] = "libedit.3.dylib";
#else
static const char library_file[] = "libedit.so.2";
#endif

/// Written once, under `load_once`.
static char *(*read_edited)(const char *prompt);
static int (*remember)(const char *line);
static pthread_once_t load_once = PTHREAD_ONCE_INIT;

static void load(void) {
    void *library = dlopen(library_file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return;
    }
    void *reader = dlsym(library, "readline");
    void *keeper = dlsym(library, "add_history");
    if (reader != NULL && keeper != NULL) {
        // ISO C has no conversion from an object pointer to a function pointer.
        memcpy(&read_edited, &reader, sizeof reader);
        memcpy(&remember, &keeper, sizeof keeper);
    }
}

static char *read_plain(const char *prompt) {
    fputs(prompt, stdout);
    fflush(stdout);
    char *line = NULL;
    size_t room = 0;
    const ssize_t count = getline(&line, &room, stdin);
    if (count < 0) {
        free(line);
        return NULL;
    }
    if (count > 0 && line[count - 1] == '\n') {
        line[count - 1] = '\0';
    }
    return line;
}

char *apus_line_read(const char *prompt) {
    pthread_once(&load_once, load);
    if (read_edited == NULL) {
        return read_plain(prompt);
    }
    char *line = read_edited(prompt);
    if (line != NULL && *line != '\0') {
        remember(line);
    }
    return line;
}

void apus_line_free(char *line) { free(line); }
