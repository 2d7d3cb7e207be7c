#include "modules/builtin/support/xpath_last_step.hpp"

#include "core/regex/regex.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

std::optional<LastStep> split_last_step(std::string_view xpath) {
  static constexpr std::string_view kName =
      R"(([a-zA-Z-][a-zA-Z0-9_\-\.]*|[a-zA-Z-][a-zA-Z0-9_\-\.]*:[a-zA-Z-][a-zA-Z0-9_\-\.]*))";
  static constexpr std::string_view kText = R"x(('(?:.*)'|"(?:.*)"))x";
  using Kind = LastStep::Kind;
  struct Form {
    Kind kind;
    std::string pattern;
    bool has_name;
    bool has_value;
  };
  const std::string name(kName);
  const std::string text(kText);
  const Form forms[] = {
      {Kind::element, "^(.*)/" + name + "$", true, false},
      {Kind::element, "^(.*)/" + name + R"(/text\(\)=)" + text + "$", true, true},
      {Kind::attribute, "^(.*)/@" + name + "$", true, false},
      {Kind::attribute, "^(.*)/@" + name + "=" + text + "$", true, true},
      {Kind::element_with, "^(.*)/" + name + R"(\[(.*)\]$)", true, true},
      {Kind::text, R"(^(.*)/text\(\)=)" + text + "$", false, true},
  };
  for (const Form& form : forms) {
    const auto pattern = regex::Pattern::compile(form.pattern);
    const auto match =
        pattern ? pattern->match(xpath) : Result<std::optional<regex::Match>>(std::nullopt);
    if (!match || !*match) continue;
    LastStep step{.before = std::string((*match)->text(1)), .kind = form.kind};
    if (form.has_name) step.name = (*match)->text(2);
    const std::string value((*match)->text(form.has_name ? 3 : 2));
    if (form.kind == Kind::element_with) {
      for (std::size_t from = 0; from <= value.size();) {
        const std::size_t end = std::min(value.find(" and ", from), value.size());
        step.conditions.emplace_back(trim(std::string_view(value).substr(from, end - from)));
        from = end + 5;
      }
    } else if (form.has_value) {
      step.value = value.substr(1, value.size() - 2);
    }
    return step;
  }
  return std::nullopt;
}

}  // namespace gpustack::modules
