#include "measures_parts.h"
#include <string.h>
int64_t seadrift_costly_bytes(int32_t height, int32_t width) { (void)height; (void)width; return 0; }
void seadrift_measure_costly(const seadrift_measured *object, uint8_t *room, seadrift_costly *out) { (void)object; (void)room; memset(out, 0, sizeof *out); }
