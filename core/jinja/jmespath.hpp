#pragma once
/// @file JMESPath, the query language of json_query.

#include "core/base/value.hpp"

#include <string_view>

namespace gpustack::jinja {

/// @source JMESPath specification (jmespath.org), without its optional extensions
/// @error filter_failed with the place in the query
Result<Value> jmespath_search(std::string_view query, const Value& data);

}  // namespace gpustack::jinja
