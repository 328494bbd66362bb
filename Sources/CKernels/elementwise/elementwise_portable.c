#define APUS_TABLE apus_elementwise_portable
#include "elementwise_body.h"
