// match, search, regex, version, vault_encrypted
#include "core/base/sealed.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/pattern.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/tests/tables.hpp"
#include "core/jinja/version.hpp"

namespace gpustack::jinja {

namespace {

enum class Where : std::uint8_t { anywhere, start, whole };

Result<bool> matches(Invocation& call, Where where) {
  GS_TRY(const std::string text, call.input_text());
  GS_TRY(const std::string pattern, call.text(0));
  GS_TRY(const regex::Pattern compiled, cached_pattern(pattern, call.flag(1), call.flag(2)));
  GS_TRY(const auto found,
         where == Where::start   ? compiled.match(text)
         : where == Where::whole ? compiled.full_match(text)
                                 : compiled.search(text));
  return found.has_value();
}

Result<bool> match(Invocation& call) { return matches(call, Where::start); }
Result<bool> search(Invocation& call) { return matches(call, Where::anywhere); }

Result<bool> any_match(Invocation& call) {
  GS_TRY(const std::string type, call.text(3, "search"));
  return matches(call,
                 type == "match"       ? Where::start
                 : type == "fullmatch" ? Where::whole
                                       : Where::anywhere);
}

/// What `strict` and `version_type` ask for.
Result<VersionKind> version_kind(Invocation& call) {
  const bool has_strict = call.has(2) && !call.arg(2).is_null();
  const bool has_type = call.has(3) && !call.arg(3).is_null();
  if (has_strict && has_type) return call.fail("takes 'strict' or 'version_type', not both");
  if (has_strict) return call.flag(2) ? VersionKind::strict : VersionKind::loose;
  if (!has_type) return VersionKind::loose;
  GS_TRY(const std::string type, call.text(3));
  if (type == "loose") return VersionKind::loose;
  if (type == "strict") return VersionKind::strict;
  if (type == "semver" || type == "semantic") return VersionKind::semantic;
  if (type == "pep440") return VersionKind::pep440;
  return call.fail("has no version_type '" + type +
                   "': expected loose, strict, semver, semantic or pep440");
}

Result<bool> version(Invocation& call) {
  GS_TRY(const std::string left, call.input_text());
  GS_TRY(const std::string right, call.text(0));
  GS_TRY(const std::string op, call.text(1, "eq"));
  if (!call.input.truthy()) return call.fail("needs a version to compare, found an empty value");
  if (!call.arg(0).truthy())
    return call.fail("needs a version to compare with, found an empty value");
  GS_TRY(const VersionKind kind, version_kind(call));
  GS_TRY(const int relation, compare_versions(left, right, kind));
  if (op == "==" || op == "=" || op == "eq") return relation == 0;
  if (op == "!=" || op == "<>" || op == "ne") return relation != 0;
  if (op == "<" || op == "lt") return relation < 0;
  if (op == "<=" || op == "le") return relation <= 0;
  if (op == ">" || op == "gt") return relation > 0;
  if (op == ">=" || op == "ge") return relation >= 0;
  return call.fail("has no operator '" + op + "': expected ==, !=, <, <=, > or >=");
}

Result<bool> vault_encrypted(Invocation& call) {
  if (call.input.is_undefined()) return undefined_value_error(call.input);
  return as_sealed(call.input) != nullptr;
}

constexpr TestRow kRows[] = {
    {"match", match, "pattern ignorecase multiline"},
    {"search", search, "pattern ignorecase multiline"},
    {"regex", any_match, "pattern ignorecase multiline match_type"},
    {"version", version, "version! operator strict version_type"},
    {"version_compare", version, "version! operator strict version_type"},
    {"vault_encrypted", vault_encrypted, "", true},
};

}  // namespace

TestTable match_tests() { return kRows; }

}  // namespace gpustack::jinja
