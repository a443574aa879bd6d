/* header.h: headers of HTTP, however they are written down: as lines, as members, as arguments of curl or of a function. */
#ifndef DBF_HEADER_H
#define DBF_HEADER_H

#include "find.h"

/* Anchors: "authorization", of Proxy-Authorization, too; "bearer" and "basic", without it; "cookie", of Set-Cookie, too. */
dbf_find_rule dbf_header_find_authorization, dbf_header_find_bearer, dbf_header_find_basic,
    dbf_header_find_cookie;

/* Is it the base64 of user:password? */
bool dbf_header_is_pair(const dbf_find *find, size_t from, size_t to);

#endif
