#pragma once
/// @file The headers of core/base, for the libraries that are compiled for size: a precompiled
/// header knows one kind of optimisation only.

#include "core/base/precompiled.hpp"
