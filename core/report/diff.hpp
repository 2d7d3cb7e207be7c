#pragma once
/// @file Unified diffs of texts, and of the `diff` that results carry.

#include "core/base/value.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::report {

/// Lines with their ends, split where Python's str.splitlines splits.
std::vector<std::string> split_lines(std::string_view text);

/// The lines of a unified diff, each with its line end; empty when the texts are equal.
/// @param from,to  what stands behind `---` and `+++`
/// @source Python's difflib.unified_diff, matching blocks included, so that both engines show the
/// same hunks
std::vector<std::string> unified_diff(const std::vector<std::string>& before,
                                      const std::vector<std::string>& after,
                                      std::string_view from,
                                      std::string_view to,
                                      std::size_t context = 3);

/// Paints one line of a diff (`+`, `-`, `@@`); without it lines stay as they are.
using PaintLine = std::function<std::string(const std::string& line)>;

/// What is shown for a result's `diff`: a map or a list of maps with `before`, `after`,
/// `before_header`, `after_header`, `prepared`, `dst_binary`, `src_binary`, `dst_larger`,
/// `src_larger`. Maps in before/after are compared as JSON. Secrets print as `<secret>`.
std::string render_diff(const Value& diff, const PaintLine& paint = {});

}  // namespace gpustack::report
