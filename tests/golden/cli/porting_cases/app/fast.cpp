#include <immintrin.h>
int main() { return 0; }
