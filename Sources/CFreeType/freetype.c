// FreeType is loaded when the first library is opened: programs that draw no text neither link nor need it.
#include "CFreeType.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

#if defined(__APPLE__)
static const char library_file[] = "libfreetype.6.dylib";
#else
static const char library_file[] = "libfreetype.so.6";
#endif

enum { maximum_side = 2048 };

/// The functions of FreeType that are called.
typedef struct {
    __typeof__(&FT_Init_FreeType) init;
    __typeof__(&FT_Done_FreeType) done;
    __typeof__(&FT_New_Memory_Face) new_face;
    __typeof__(&FT_Done_Face) done_face;
    __typeof__(&FT_Select_Charmap) select_charmap;
    __typeof__(&FT_Get_Char_Index) char_index;
    __typeof__(&FT_Set_Char_Size) set_size;
    __typeof__(&FT_Select_Size) select_size;
    __typeof__(&FT_Get_Kerning) kerning;
    __typeof__(&FT_Load_Glyph) load_glyph;
    __typeof__(&FT_Render_Glyph) render_glyph;
    __typeof__(&FT_Outline_Embolden) embolden;
    __typeof__(&FT_Outline_Transform) transform;
    __typeof__(&FT_Outline_Translate) translate;
} function_table;

/// Written once, under `load_once`.
static function_table functions;
static const char *missing_symbol;
static int is_loaded;
static pthread_once_t load_once = PTHREAD_ONCE_INIT;

static void *find(void *library, const char *name) {
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        missing_symbol = name;
    }
    return symbol;
}

static void load(void) {
    void *library = dlopen(library_file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return;
    }
    functions.init = find(library, "FT_Init_FreeType");
    functions.done = find(library, "FT_Done_FreeType");
    functions.new_face = find(library, "FT_New_Memory_Face");
    functions.done_face = find(library, "FT_Done_Face");
    functions.select_charmap = find(library, "FT_Select_Charmap");
    functions.char_index = find(library, "FT_Get_Char_Index");
    functions.set_size = find(library, "FT_Set_Char_Size");
    functions.select_size = find(library, "FT_Select_Size");
    functions.kerning = find(library, "FT_Get_Kerning");
    functions.load_glyph = find(library, "FT_Load_Glyph");
    functions.render_glyph = find(library, "FT_Render_Glyph");
    functions.embolden = find(library, "FT_Outline_Embolden");
    functions.transform = find(library, "FT_Outline_Transform");
    functions.translate = find(library, "FT_Outline_Translate");
    is_loaded = 1;
}

struct apus_font_library {
    FT_Library library;
};

struct apus_font_face {
    FT_Face face;
    /// The font file, which FreeType reads from as long as the face is open.
    uint8_t *bytes;
    /// The size that is set, in 1/64 pixels an em; 0 before the first.
    int32_t size;
    /// The last drawn bitmap.
    uint8_t *coverage;
    size_t capacity;
};

apus_font_library *apus_font_library_open(char *message, size_t message_capacity) {
    pthread_once(&load_once, load);
    if (!is_loaded) {
        snprintf(message, message_capacity, "%s is missing; install FreeType (Debian: apt-get install libfreetype6)",
                 library_file);
        return NULL;
    }
    if (missing_symbol != NULL) {
        snprintf(message, message_capacity, "%s has no %s; it is not FreeType 2", library_file, missing_symbol);
        return NULL;
    }
    apus_font_library *opened = calloc(1, sizeof *opened);
    if (opened == NULL || functions.init(&opened->library) != 0) {
        free(opened);
        snprintf(message, message_capacity, "FreeType could not be started");
        return NULL;
    }
    return opened;
}

void apus_font_library_close(apus_font_library *library) {
    functions.done(library->library);
    free(library);
}

/// The content of an open regular file; NULL, with the reason in `message`, if it cannot be had.
static uint8_t *read_open(int file, size_t maximum_bytes, size_t *count, char *message, size_t message_capacity) {
    struct stat status;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        snprintf(message, message_capacity, "it is not a regular file");
        return NULL;
    }
    if (status.st_size <= 0 || (uint64_t)status.st_size > maximum_bytes) {
        snprintf(message, message_capacity, "it has %lld bytes, expected 1 to %zu", (long long)status.st_size,
                 maximum_bytes);
        return NULL;
    }
    const size_t size = (size_t)status.st_size;
    uint8_t *bytes = malloc(size);
    size_t done = 0;
    while (bytes != NULL && done < size) {
        const ssize_t part = read(file, bytes + done, size - done);
        if (part < 0 && errno == EINTR) {
            continue;
        }
        if (part <= 0) {
            free(bytes);
            bytes = NULL;
        } else {
            done += (size_t)part;
        }
    }
    if (bytes == NULL) {
        snprintf(message, message_capacity, "it cannot be read to its end");
    }
    *count = size;
    return bytes;
}

static uint8_t *read_file(const char *path, size_t maximum_bytes, size_t *count, char *message,
                          size_t message_capacity) {
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        snprintf(message, message_capacity, "%s", strerror(errno));
        return NULL;
    }
    uint8_t *bytes = read_open(file, maximum_bytes, count, message, message_capacity);
    close(file);
    return bytes;
}

static apus_font_face *open_face(apus_font_library *library, const char *path, int index, size_t maximum_bytes,
                                 int is_coloured, char *message, size_t message_capacity) {
    size_t count = 0;
    uint8_t *bytes = read_file(path, maximum_bytes, &count, message, message_capacity);
    if (bytes == NULL) {
        return NULL;
    }
    apus_font_face *opened = calloc(1, sizeof *opened);
    FT_Face face = NULL;
    const char *reason = NULL;
    if (opened == NULL) {
        reason = "there is no memory";
    } else if (functions.new_face(library->library, bytes, (FT_Long)count, index, &face) != 0) {
        reason = "FreeType does not read it as a font";
    } else if (is_coloured && (!FT_HAS_COLOR(face) || face->num_fixed_sizes < 1)) {
        reason = "it has no coloured bitmaps";
    } else if (!is_coloured && !FT_IS_SCALABLE(face)) {
        reason = "it has no outlines";
    } else if (functions.select_charmap(face, FT_ENCODING_UNICODE) != 0) {
        reason = "it has no Unicode character map";
    }
    if (reason != NULL) {
        if (face != NULL) {
            functions.done_face(face);
        }
        free(opened);
        free(bytes);
        snprintf(message, message_capacity, "%s", reason);
        return NULL;
    }
    opened->face = face;
    opened->bytes = bytes;
    return opened;
}

apus_font_face *apus_font_face_open(apus_font_library *library, const char *path, int index, size_t maximum_bytes,
                                    char *message, size_t message_capacity) {
    return open_face(library, path, index, maximum_bytes, 0, message, message_capacity);
}

apus_font_face *apus_colour_face_open(apus_font_library *library, const char *path, size_t maximum_bytes, char *message,
                                      size_t message_capacity) {
    return open_face(library, path, 0, maximum_bytes, 1, message, message_capacity);
}

void apus_font_face_close(apus_font_face *face) {
    functions.done_face(face->face);
    free(face->bytes);
    free(face->coverage);
    free(face);
}

apus_face_metrics apus_font_face_metrics(const apus_font_face *face) {
    const FT_Face read = face->face;
    return (apus_face_metrics){read->units_per_EM, read->ascender, read->descender, read->height};
}

int apus_font_face_covers(apus_font_face *face, uint32_t scalar) {
    return functions.char_index(face->face, scalar) != 0;
}

static int set_size(apus_font_face *face, int32_t size) {
    if (face->size == size) {
        return 0;
    }
    // At 72 dots an inch a point is a pixel.
    const int error = functions.set_size(face->face, 0, size, 72, 72);
    face->size = error == 0 ? size : 0;
    return error;
}

int32_t apus_font_face_kerning(apus_font_face *face, uint32_t left, uint32_t right, int32_t size) {
    FT_Vector delta = {0, 0};
    if (!FT_HAS_KERNING(face->face) || set_size(face, size) != 0) {
        return 0;
    }
    const FT_UInt first = functions.char_index(face->face, left);
    const FT_UInt second = functions.char_index(face->face, right);
    return functions.kerning(face->face, first, second, FT_KERNING_UNFITTED, &delta) == 0 ? (int32_t)delta.x : 0;
}

static FT_Int32 load_flags(int32_t hinting) {
    switch (hinting) {
    case APUS_HINTING_NORMAL:
        return FT_LOAD_NO_BITMAP | FT_LOAD_TARGET_NORMAL;
    case APUS_HINTING_LIGHT:
        return FT_LOAD_NO_BITMAP | FT_LOAD_TARGET_LIGHT;
    case APUS_HINTING_MONO:
        return FT_LOAD_NO_BITMAP | FT_LOAD_TARGET_MONO;
    default:
        return FT_LOAD_NO_BITMAP | FT_LOAD_NO_HINTING;
    }
}

static int reserve(apus_font_face *face, size_t count) {
    if (count <= face->capacity) {
        return 1;
    }
    uint8_t *grown = realloc(face->coverage, count);
    if (grown == NULL) {
        return 0;
    }
    face->coverage = grown;
    face->capacity = count;
    return 1;
}

/// Copies rows of a byte or a bit a pixel into rows of `width` bytes.
static void copy_rows(const FT_Bitmap *bitmap, uint8_t *target) {
    const int is_mono = bitmap->pixel_mode == FT_PIXEL_MODE_MONO;
    for (unsigned y = 0; y < bitmap->rows; y++) {
        const uint8_t *row = bitmap->buffer + (ptrdiff_t)y * bitmap->pitch;
        for (unsigned x = 0; x < bitmap->width; x++) {
            *target++ = !is_mono ? row[x] : (row[x >> 3] >> (7 - (x & 7))) & 1 ? 255 : 0;
        }
    }
}

/// FreeType's default filter, which spreads a third of a pixel over five of them: edges get less colour.
static const uint32_t stripe_filter[5] = {8, 77, 86, 77, 8};

static int32_t floor_third(int32_t value) { return value >= 0 ? value / 3 : -((2 - value) / 3); }

/// Filters a bitmap of triple width, whose first column lies at `left` thirds of a pixel, into pixels of three stripes.
static int filter_stripes(apus_font_face *face, const FT_Bitmap *bitmap, int32_t left, apus_glyph *glyph) {
    const int32_t columns = (int32_t)bitmap->width;
    const int32_t first = floor_third(left - 2);
    const int32_t width = floor_third(left + columns + 1) + 1 - first;
    const size_t count = (size_t)width * bitmap->rows * 3;
    if (!reserve(face, count)) {
        return FT_Err_Out_Of_Memory;
    }
    uint8_t *target = face->coverage;
    for (unsigned y = 0; y < bitmap->rows; y++) {
        const uint8_t *row = bitmap->buffer + (ptrdiff_t)y * bitmap->pitch;
        for (int32_t third = 0; third < width * 3; third++) {
            const int32_t from = first * 3 + third - left - 2;
            uint32_t sum = 0;
            for (int32_t tap = 0; tap < 5; tap++) {
                const int32_t column = from + tap;
                sum += column >= 0 && column < columns ? stripe_filter[tap] * row[column] : 0;
            }
            *target++ = (uint8_t)(sum >> 8);
        }
    }
    glyph->coverage = face->coverage;
    glyph->width = width;
    glyph->left = first;
    return 0;
}

int apus_font_face_draw(apus_font_face *face, uint32_t scalar, const apus_glyph_style *style, apus_glyph *glyph) {
    int error = set_size(face, style->size);
    if (error != 0) {
        return error;
    }
    const FT_UInt index = functions.char_index(face->face, scalar);
    error = functions.load_glyph(face->face, index, load_flags(style->hinting));
    if (error != 0) {
        return error;
    }
    FT_GlyphSlot slot = face->face->glyph;
    if (style->embolden != 0) {
        functions.embolden(&slot->outline, style->embolden);
    }
    if (style->slant != 0) {
        const FT_Matrix slant = {0x10000, style->slant, 0, 0x10000};
        functions.transform(&slot->outline, &slant);
    }
    if (style->shift != 0) {
        functions.translate(&slot->outline, style->shift, 0);
    }
    if (style->has_stripes) {
        const FT_Matrix triple = {0x30000, 0, 0, 0x10000};
        functions.transform(&slot->outline, &triple);
    }
    error =
        functions.render_glyph(slot, style->hinting == APUS_HINTING_MONO ? FT_RENDER_MODE_MONO : FT_RENDER_MODE_NORMAL);
    if (error != 0) {
        return error;
    }
    const FT_Bitmap *bitmap = &slot->bitmap;
    if (bitmap->width > 3 * maximum_side || bitmap->rows > maximum_side) {
        return -1;
    }
    glyph->coverage = NULL;
    glyph->width = (int32_t)bitmap->width;
    glyph->height = (int32_t)bitmap->rows;
    glyph->left = slot->bitmap_left;
    glyph->top = slot->bitmap_top;
    const size_t count = (size_t)bitmap->width * bitmap->rows;
    if (count > 0 && style->has_stripes) {
        error = filter_stripes(face, bitmap, slot->bitmap_left, glyph);
    } else if (count > 0) {
        error = reserve(face, count) ? 0 : FT_Err_Out_Of_Memory;
        if (error == 0) {
            copy_rows(bitmap, face->coverage);
            glyph->coverage = face->coverage;
        }
    }
    if (error != 0) {
        return error;
    }
    // Hinted advances are whole pixels; unhinted ones keep their fraction in the linear advance (16.16).
    const int is_linear = style->hinting == APUS_HINTING_LIGHT || style->hinting == APUS_HINTING_NONE;
    glyph->advance = (is_linear ? (int32_t)((slot->linearHoriAdvance + 512) >> 10) : (int32_t)slot->advance.x);
    glyph->advance += style->embolden;
    return 0;
}

int apus_colour_face_draw(apus_font_face *face, uint32_t scalar, apus_glyph *glyph) {
    int strike = 0;
    for (int i = 1; i < face->face->num_fixed_sizes; i++) {
        strike = face->face->available_sizes[i].height > face->face->available_sizes[strike].height ? i : strike;
    }
    int error = functions.select_size(face->face, strike);
    if (error == 0) {
        const FT_UInt index = functions.char_index(face->face, scalar);
        error = functions.load_glyph(face->face, index, FT_LOAD_COLOR);
    }
    if (error != 0) {
        return error;
    }
    const FT_Bitmap *bitmap = &face->face->glyph->bitmap;
    if (bitmap->pixel_mode != FT_PIXEL_MODE_BGRA || bitmap->width > maximum_side || bitmap->rows > maximum_side) {
        return -1;
    }
    const size_t row = 4 * (size_t)bitmap->width;
    if (!reserve(face, row * bitmap->rows)) {
        return FT_Err_Out_Of_Memory;
    }
    for (unsigned y = 0; y < bitmap->rows; y++) {
        memcpy(face->coverage + y * row, bitmap->buffer + (ptrdiff_t)y * bitmap->pitch, row);
    }
    *glyph = (apus_glyph){.coverage = face->coverage, .width = (int32_t)bitmap->width, .height = (int32_t)bitmap->rows};
    return 0;
}
