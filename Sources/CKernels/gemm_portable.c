#define APUS_TABLE apus_gemm_portable
#define GV 4
#define GROUP 6
#include "gemm_body.h"
