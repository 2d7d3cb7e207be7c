/// @file Reads JSON template cases from standard input and prints, as JSON, what core/jinja makes
/// of each. A case: {"template": …, "vars": {…}, "mode": "value" | "text" | "condition" | "loop",
/// "files": {name: text}, "native": true for jinja2_native}.

#include "core/base/json.hpp"
#include "core/jinja/jinja.hpp"

#include <cstdlib>
#include <iostream>
#include <iterator>

namespace {

using namespace gpustack;

/// Files of the case, and nothing of this machine but its environment.
class CaseServices : public jinja::Services {
 public:
  explicit CaseServices(const Value& files) : files_(files) {}
  Result<std::string> find_file(std::string_view /*kind*/, const std::string& name) override {
    if (files_.find(name) != nullptr) return name;
    return Error(ErrorCode::lookup_failed, "there is no file '" + name + "'");
  }
  std::vector<std::string> search_path(std::string_view /*kind*/) override { return {"/nowhere"}; }
  Result<std::string> read_file(const std::string& path) override {
    const Value* text = files_.find(path);
    if (text == nullptr) return Error(ErrorCode::lookup_failed, "there is no file '" + path + "'");
    return text->as_string();
  }
  Result<std::string> run_shell(const std::string& command) override {
    return Error(ErrorCode::lookup_failed, "no commands here: '" + command + "'");
  }
  std::optional<std::string> environment(const std::string& name) override {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  }
  Result<std::vector<std::string>> hosts_matching(const std::string& pattern) override {
    return std::vector<std::string>{pattern};
  }

 private:
  const Value& files_;
};

/// Variables that are rendered when they are asked for, as a play's are.
class CaseScope : public jinja::Scope {
 public:
  CaseScope(const Value& variables,
            jinja::Environment& environment,
            jinja::Services& services,
            bool native)
      : variables_(variables), environment_(environment), services_(services), native_(native) {}

  Result<std::optional<Value>> lookup(std::string_view name) override {
    const Value* found = variables_.find(name);
    if (found == nullptr) return std::optional<Value>();
    auto rendered = jinja::render_deep(environment_, *found, context());
    if (rendered) return std::optional<Value>(std::move(*rendered));
    if (rendered.error().code() != ErrorCode::undefined_variable)
      return std::move(rendered).error();
    return std::optional<Value>(Value::undefined(rendered.error().message(), std::string(name)));
  }
  std::vector<std::string> names() override {
    std::vector<std::string> out;
    for (const auto& [key, value] : variables_.as_map()) out.push_back(key.as_string());
    return out;
  }
  bool holds_template(std::string_view name) const override {
    const Value* found = variables_.find(name);
    return found != nullptr && found->is_string() && jinja::has_template(found->as_string());
  }
  jinja::Context context() {
    jinja::Context out;
    out.scope = this;
    out.services = &services_;
    out.native = native_;
    return out;
  }

 private:
  const Value& variables_;
  jinja::Environment& environment_;
  jinja::Services& services_;
  bool native_;
};

Result<Value> run_case(const Value& one, jinja::Environment& environment) {
  static const Value kEmpty{Map()};
  const Value& variables = one.get("vars").is_map() ? one.get("vars") : kEmpty;
  const Value& files = one.get("files").is_map() ? one.get("files") : kEmpty;
  CaseServices services(files);
  CaseScope scope(variables, environment, services, one.get("native").truthy());
  const jinja::Context context = scope.context();
  const std::string mode = to_text(one.get("mode"));
  const Value& source = one.get("template");
  if (mode == "condition") {
    GS_TRY(const bool holds, jinja::evaluate_condition(environment, source, context));
    return Value(holds);
  }
  if (mode == "loop") {
    GS_TRY(Value terms, jinja::render_deep(environment, source, context));
    const List list = terms.is_list() ? terms.as_list() : List{terms};
    GS_TRY(List items,
           jinja::run_lookup(one.get("lookup").as_string(), list, Map(), context, environment));
    return Value(std::move(items));
  }
  if (mode == "text") {
    GS_TRY(const auto header, jinja::parse_header(source.as_string(), jinja::Options::for_files()));
    GS_TRY(
        const auto compiled,
        environment.compile(
            std::string_view(source.as_string()).substr(header.length), nullptr, header.options));
    return jinja::render_text(*compiled, context);
  }
  return jinja::render_deep(environment, source, context);
}

}  // namespace

int main() {
  const std::string input((std::istreambuf_iterator<char>(std::cin)),
                          std::istreambuf_iterator<char>());
  const auto cases = parse_json(input);
  if (!cases || !cases->is_list()) {
    std::cerr << "expected a JSON list of cases\n";
    return 2;
  }
  jinja::Environment environment;
  List answers;
  for (const Value& one : cases->as_list()) {
    Map answer;
    auto result = run_case(one, environment);
    if (result) {
      answer.set("value", std::move(*result));
    } else {
      answer.set("error", Value(std::string(error_name(result.error().code()))));
      answer.set("shown", Value(result.error().render()));
    }
    answers.emplace_back(std::move(answer));
  }
  JsonStyle style;
  style.redact_secrets = false;
  std::cout << to_json(Value(std::move(answers)), style) << '\n';
  return 0;
}
