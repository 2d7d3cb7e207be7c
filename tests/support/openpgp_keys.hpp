#pragma once
/// @file Public keys for tests, in base64; their private halves are thrown away.

namespace gpustack::test {

/// Without subkey and end.
inline constexpr const char* kPlainKey =
    "mDMEawJ7ahYJKwYBBAHaRw8BAQdAHYCxKwmsTGFSr7pDd1To2OJkVhma0Kaji7g8+gRXXAW0ClRlc3QgPHRAeD6I"
    "kAQTFggAOBYhBKrzs0rw/0dqSo9FspvbeSZ1kU2MBQJrAntqAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJ"
    "EJvbeSZ1kU2MnKYBAJcocJM1oeZenXzGCrFWKLq3ypN8EN1BV0dWIP6ZSRXfAQCTXe2NcRQHEddj7w9E2frKi4wo"
    "lqUw27GQH2hjNHfzDw==";
inline constexpr const char* kPlainFingerprint = "AAF3B34AF0FF476A4A8F45B29BDB792675914D8C";

/// From January 2020 to the end of December 2020.
inline constexpr const char* kExpiredKey =
    "mDMEXgvhABYJKwYBBAHaRw8BAQdAy193+98UwnZXtgodUPGt+jWxiQHwDOJEjgEBzDFu5/C0Ck9sZDIgPG9AeT6I"
    "lgQTFggAPhYhBCfsY2fA3FOVdyLxTywN6pNN8yfJBQJeC+EAAhsDBQkB4TOABQsJCAcCBhUKCQgLAgQWAgMBAh4B"
    "AheAAAoJECwN6pNN8yfJ4WsA/0Et9OQfIaLkJHruMO22rBKWCD+TNF9TwC7gGC+xKDGdAP9ZYD3PQ7oyPVM022wy"
    "AC6w/+DG+cmgd1N5o0zLdQ4KBQ==";
inline constexpr const char* kExpiredFingerprint = "27EC6367C0DC53957722F14F2C0DEA934DF327C9";

/// With a subkey for encryption.
inline constexpr const char* kKeyWithSubkey =
    "mDMEawJ8hRYJKwYBBAHaRw8BAQdA0QB3UkJDpxHDalcTJ/an2ABt3qeTU37OLSw7wN8a15W0ClN1YjIgPHNAeT6I"
    "kAQTFggAOBYhBMMzzNfQ7b0OQVjdOihJwgNxOLkQBQJrAnyFAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJ"
    "EChJwgNxOLkQp9YBAMkgEkt4FV5waYT2hCP+csMBE3jS5pxLETK4GdVHE2EiAP43nrT3EV2LpiMvaSBZD0nsA0KT"
    "TzyiHWrpeW7rC10HD7g4BGsCfIYSCisGAQQBl1UBBQEBB0CZdqoyp7CsTfFu9lnXfOwQ47V05J8nFaQd2gvtLqmn"
    "NwMBCAeIeAQYFggAIBYhBMMzzNfQ7b0OQVjdOihJwgNxOLkQBQJrAnyGAhsMAAoJEChJwgNxOLkQi6gBAKTALW5w"
    "Ak6MQ5o9I+VtDOBPi2sWuUOXtWD1mU+ZPlT7AP9BTgMMiH7oHCRfzoj1xAqILaaBNyLwFetULzWzoQROBQ==";
inline constexpr const char* kPrimaryFingerprint = "C333CCD7D0EDBD0E4158DD3A2849C2037138B910";
inline constexpr const char* kSubkeyFingerprint = "D843BF566FE30AC02336729E2108F6F45E50F3E2";

}  // namespace gpustack::test
