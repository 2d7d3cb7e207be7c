#pragma once
/// @file Python's two ways of formatting: `'%s' % x` and `'{}'.format(x)`.

#include "core/base/value.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace gpustack::jinja {

/// `format % values`. @error template_type for a bad format or wrong values, undefined_variable
Result<std::string> percent_format(std::string_view format, const Value& values);

/// How `{name.attribute[key]}` reads members; the evaluator's own rules.
using MemberReader = std::function<Result<Value>(const Value& object, const Value& key)>;
/// `format.format(*arguments.positional, **arguments.named)`
Result<std::string> brace_format(std::string_view format,
                                 const CallArguments& arguments,
                                 const MemberReader& member);
/// Python's format(value, spec).
Result<std::string> format_value(const Value& value, std::string_view spec);

}  // namespace gpustack::jinja
