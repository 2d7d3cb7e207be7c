#pragma once
/// @file What nearly every source file includes, parsed once (release and runner builds). No file
/// may count on it: the dev build compiles without it.

#include "core/base/result.hpp"
#include "core/base/source.hpp"
#include "core/base/value.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
