// Memory that is streamed through.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Asks the system for large pages behind `bytes` bytes at `address`, where it has them: with pages of 4 KiB, looking
/// up addresses and restarting the processor's prefetching take half of a memory's bandwidth. Only a hint.
void apus_advise_large_pages(void *address, size_t bytes);

/// Reads `bytes` bytes at `address`, multiples of 64 both, and returns something that depends on all of them.
uint64_t apus_read_memory(const void *address, size_t bytes);
