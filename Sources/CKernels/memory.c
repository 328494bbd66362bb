#include "apus_memory.h"

#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

void apus_advise_large_pages(void *address, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(address, bytes, MADV_HUGEPAGE);
#else
    (void)address;
    (void)bytes;
#endif
}

uint64_t apus_read_memory(const void *address, size_t bytes) {
    const char *from = address;
    uint64_t sums[8] = {0};
    for (size_t at = 0; at < bytes; at += 64) {
        // Far enough ahead for the second-level cache to hide the memory's latency, as in the products.
        __builtin_prefetch(from + at + (16 << 10), 0, 2);
        uint64_t words[8];
        memcpy(words, from + at, sizeof words);
        for (size_t i = 0; i < 8; i++)
            sums[i] += words[i];
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < 8; i++)
        sum += sums[i];
    return sum;
}
