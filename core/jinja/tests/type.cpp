// defined, string, mapping, iterable, odd, …
#include "core/jinja/methods.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/sequence.hpp"
#include "core/jinja/tests/tables.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <cmath>

namespace gpustack::jinja {

namespace {

template <Kind kind>
bool is_kind(const Value& input) {
  return input.kind() == kind;
}

bool defined(const Value& input) { return !input.is_undefined(); }
bool undefined(const Value& input) { return input.is_undefined(); }
bool is_true(const Value& input) { return input.is_bool() && input.as_bool(); }
bool is_false(const Value& input) { return input.is_bool() && !input.as_bool(); }
bool number(const Value& input) { return input.is_number() || input.is_bool(); }

/// The TestFunction of a test that looks at its input only.
template <PlainTest test>
Result<bool> of_input(Invocation& call) {
  return test(call.input);
}
template <PlainTest test>
constexpr TestRow plain_row(std::string_view name, bool accepts_undefined = false) {
  return {name, of_input<test>, "", accepts_undefined, accepts_undefined, test};
}
Result<bool> sequence(Invocation& call) {
  return call.input.is_list() || call.input.is_string() || call.input.is_map() ||
         is_group(call.input) ||
         (call.input.is_object() &&
          dynamic_cast<const RangeObject*>(&call.input.as_object()) != nullptr);
}
Result<bool> mapping(Invocation& call) {
  return call.input.is_map() || (call.input.is_object() && call.input.as_object().is_mapping());
}
Result<bool> iterable(Invocation& call) {
  if (call.input.is_undefined()) return call.render.undefined_error(call.input);
  if (call.input.is_object()) return call.input.as_object().iterate().has_value();
  return call.input.is_list() || call.input.is_string() || call.input.is_map();
}
Result<bool> callable(Invocation& call) {
  return call.input.is_object() && call.input.as_object().is_callable();
}
Result<bool> never(Invocation& /*call*/) { return false; }

/// What is left of the input when it is divided by `by`.
Result<Value> remainder(Invocation& call, const Value& by) {
  if (call.input.is_string()) return call.wrong_type("a number", call.input);
  return binary(BinaryOp::mod, call.input, by, 0);
}
Result<bool> odd(Invocation& call) {
  GS_TRY(const Value left, remainder(call, Value(2)));
  return left == Value(1);
}
Result<bool> even(Invocation& call) {
  GS_TRY(const Value left, remainder(call, Value(2)));
  return left == Value(0);
}
Result<bool> divisible_by(Invocation& call) {
  GS_TRY(const Value left, remainder(call, call.arg(0)));
  return left == Value(0);
}
Result<bool> not_a_number(Invocation& call) {
  return call.input.is_real() && std::isnan(call.input.as_real());
}

template <bool upper_case>
Result<bool> is_case(Invocation& call) {
  GS_TRY(std::string text, call.input_text());
  GS_TRY(const Value holds,
         call_method(call.render, Value(std::move(text)), upper_case ? "isupper" : "islower", {}));
  return holds.as_bool();
}

Result<bool> same_as(Invocation& call) { return call.input.same_as(call.arg(0)); }

Result<bool> is_filter(Invocation& call) {
  return call.input.is_string() && find_filter(call.input.as_string()) != nullptr;
}
Result<bool> is_test(Invocation& call) {
  return call.input.is_string() && find_test(call.input.as_string()) != nullptr;
}

Result<bool> truthy(Invocation& call) {
  if (call.flag(0)) {
    const auto converted = parse_bool(call.input);
    if (converted) return *converted;
  }
  return call.input.truthy();
}
Result<bool> falsy(Invocation& call) {
  GS_TRY(const bool holds, truthy(call));
  return !holds;
}

constexpr TestRow kRows[] = {
    plain_row<defined>("defined", true),
    plain_row<undefined>("undefined", true),
    plain_row<is_kind<Kind::null>>("none"),
    plain_row<is_kind<Kind::boolean>>("boolean"),
    plain_row<is_true>("true"),
    plain_row<is_false>("false"),
    plain_row<is_kind<Kind::integer>>("integer"),
    plain_row<is_kind<Kind::real>>("float"),
    plain_row<number>("number"),
    plain_row<is_kind<Kind::string>>("string"),
    {"mapping", mapping},
    {"sequence", sequence},
    {"iterable", iterable},
    {"callable", callable},
    {"escaped", never},
    {"odd", odd},
    {"even", even},
    {"divisibleby", divisible_by, "num!"},
    {"nan", not_a_number},
    {"isnan", not_a_number},
    {"lower", is_case<false>},
    {"upper", is_case<true>},
    {"sameas", same_as, "other!"},
    {"filter", is_filter},
    {"test", is_test},
    {"truthy", truthy, "convert_bool"},
    {"falsy", falsy, "convert_bool"},
};

}  // namespace

TestTable type_tests() { return kRows; }

}  // namespace gpustack::jinja
