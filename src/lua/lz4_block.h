/* lz4_block.h: reading a block of LZ4 (the block format of lz4.github.io: lz4_Block_format.md). embed.lua writes them.
 *
 * Own code, because a static host would otherwise have to link one more library to unpack texts. */
#ifndef DBF_LZ4_BLOCK_H
#define DBF_LZ4_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* Unpack `len` bytes at `in` into exactly `size` bytes at `out`. False: the block is damaged, or of another size. */
bool dbf_lz4_block_unpack(const char *in, size_t len, char *out, size_t size);

#endif
