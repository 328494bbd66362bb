// Memory for streaming reads.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Advises the system to use large pages for `bytes` bytes at `address`, if it has them: with pages of 4 KiB, address
/// translation and restarts of the processor's prefetching take half of the memory's bandwidth. Only a hint.
void apus_advise_large_pages(void *address, size_t bytes);

/// Reads `bytes` bytes at `address`, both multiples of 64, and returns a value that depends on all of them.
uint64_t apus_read_memory(const void *address, size_t bytes);
