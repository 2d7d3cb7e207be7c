#pragma once
/// @file What every test includes, parsed once; see core/base/precompiled.hpp.

#include "core/base/precompiled.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
