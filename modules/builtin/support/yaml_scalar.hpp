#pragma once
/// @file Scalars and one-line collections of YAML, read and written without a whole parser.

#include "core/base/value.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::modules {

/// A plain scalar as YAML 1.1 means it, as Ansible and PyYAML read it. Dates and sexagesimal
/// numbers stay text.
Value plain_scalar(std::string_view text);

/// Reads a quoted scalar or a flow collection at the start of `text`.
/// @param length  how much of the text it is
/// @return nothing when it does not end in this text, or holds anchors, aliases, tags or line ends
std::optional<Value> read_flow(std::string_view text, std::size_t& length);

/// Whether one of Unicode's line ends stands there: YAML 1.1 folds them as any other.
bool has_wide_break(std::string_view text);

/// Where a quoted scalar or a flow collection that begins a text of several lines ends, by its
/// quotes and brackets alone; npos when it does not.
std::size_t end_of_flow(std::string_view text);

/// A scalar, or a collection in flow style, on one line.
std::string flow_text(const Value& value);
/// A key or a scalar as it stands in a block collection: plain where that reads back as the same.
std::string scalar_text(const Value& value, bool in_flow = false);
/// Whether a literal block (`|`) can hold the text and shows it better.
bool suits_literal(const Value& value);

/// The end of a plain scalar that begins the text: before ` #`, and before `: ` in a flow.
std::size_t plain_end(std::string_view text);

}  // namespace gpustack::modules
