// json_query, version_sort
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/jmespath.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/version.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

Result<Value> json_query(Invocation& call) {
  GS_TRY(const std::string query, call.text(0));
  return jmespath_search(query, call.input);
}

Result<Value> version_sort(Invocation& call) {
  GS_TRY(List items, call.input_items());
  Result<void> failure;
  std::stable_sort(items.begin(), items.end(), [&](const Value& a, const Value& b) {
    if (!failure) return false;
    auto sign = compare_versions(to_text(a), to_text(b), VersionKind::loose);
    if (sign) return call.flag(0) ? *sign > 0 : *sign < 0;
    failure = Result<void>(std::move(sign).error());
    return false;
  });
  GS_TRY_VOID(std::move(failure));
  return Value(std::move(items));
}

constexpr FilterRow kRows[] = {
    {"json_query", json_query, "expr!", Marks::elements},
    {"version_sort", version_sort, "reverse", Marks::elements},
};

}  // namespace

FilterTable query_filters() { return kRows; }

}  // namespace gpustack::jinja
