#define APUS_TABLE apus_gemm_portable
#define GV 4
#define LOW 0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#define GROUP 6
#include "gemm_body.h"
