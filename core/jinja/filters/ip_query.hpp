#pragma once
/// @file The queries of ipaddr and its relatives about one address.

#include "core/jinja/ip.hpp"
#include "core/jinja/registry.hpp"

#include <string>

namespace gpustack::jinja {

/// What the query says about the address written as `text`; false or null when it does not apply.
/// @error filter_failed for a query that does not exist
Result<Value> answer_query(Invocation& call,
                           const IpNetwork& ip,
                           const std::string& query,
                           const std::string& text);

}  // namespace gpustack::jinja
