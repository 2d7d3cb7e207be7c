#pragma once
/// @file What the files that drive I/O include, parsed once; see core/base/precompiled.hpp.

#include "core/async/async.hpp"
#include "core/async/event.hpp"
#include "core/async/pool.hpp"
#include "core/base/precompiled.hpp"
