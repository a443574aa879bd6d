/* address.h: nats://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]...]/NAME, or tls:// for the same with TLS. What is shown of
 * it never holds the user or the password; one user alone is a token. */
#ifndef DBF_NATS_ADDRESS_H
#define DBF_NATS_ADDRESS_H

#include <debrief/log.h>

#define DBF_NATS_SERVERS 16

typedef struct dbf_nats_address {
  char *servers[DBF_NATS_SERVERS]; /* nats://HOST:PORT, without user and password */
  int count;
  char *user, *password; /* decoded; NULL: none. A password NULL: the user is a token */
  char *shown;           /* the address as messages show it */
  char name[33];         /* of the stream */
  bool tls;
} dbf_nats_address;

/* Understand `text`; release it afterwards, also when it failed. Errors: EARG, EMEMORY. */
bool dbf_nats_address_parse(dbf_nats_address *address, const char *text, debrief_error *err);

void dbf_nats_address_release(dbf_nats_address *address);

/* [A-Za-z0-9_-]{1,32}? */
bool dbf_nats_address_is_name(const char *name);

#endif
