#include "lz4_block.h"

#include <string.h>

typedef struct input {
  const unsigned char *at, *end;
} input;

/* A length of 15 goes on in further bytes, up to one that is not 255. */
static bool take_length(input *in, size_t *length) {
  if (*length < 15) return true;
  unsigned char byte;
  do {
    if (in->at == in->end) return false;
    byte = *in->at++;
    *length += byte;
  } while (byte == 255);
  return true;
}

bool dbf_lz4_block_unpack(const char *packed, size_t len, char *out, size_t size) {
  const unsigned char *bytes = (const unsigned char *)packed;
  input in = {bytes, bytes + len};
  size_t done = 0;
  while (in.at < in.end) {
    unsigned token = *in.at++;
    size_t literals = token >> 4, match = token & 15;
    if (!take_length(&in, &literals)) return false;
    if (literals > (size_t)(in.end - in.at) || literals > size - done) return false;
    memcpy(out + done, in.at, literals);
    done += literals;
    in.at += literals;
    if (in.at == in.end) break; /* the last sequence has no match */
    if (in.end - in.at < 2) return false;
    size_t distance = in.at[0] | (size_t)in.at[1] << 8;
    in.at += 2;
    if (!take_length(&in, &match)) return false;
    match += 4;
    if (distance == 0 || distance > done || match > size - done) return false;
    for (size_t i = 0; i < match; i++, done++) out[done] = out[done - distance]; /* they may overlap */
  }
  return done == size;
}
