// lookup(), query(), q(), and the same for `with_X`.
#include "core/base/suggest.hpp"
#include "core/jinja/cache.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"

#include <algorithm>

namespace gpustack::jinja {

Error LookupCall::fail(std::string message) const {
  return Error(ErrorCode::lookup_failed,
               "lookup '" + std::string(name) + "' " + std::move(message));
}

Result<std::string> LookupCall::option(std::string_view key, std::string_view fallback) const {
  const Value* found = options.find(key);
  if (found == nullptr || found->is_null()) return std::string(fallback);
  return text_of(*found);
}

bool LookupCall::flag(std::string_view key, bool fallback) const {
  const Value* found = options.find(key);
  if (found == nullptr) return fallback;
  const auto read = parse_bool(*found);
  return read ? *read : found->truthy();
}

Services* LookupCall::services() const { return render.services(); }

Result<List> Render::lookup(std::string_view name, List terms, Map options) {
  const LookupRow* row = find_lookup(name);
  if (row == nullptr) {
    return Error(ErrorCode::unknown_lookup, "unknown lookup '" + std::string(name) + "'")
        .hint(suggest(name, lookup_names()));
  }
  for (const Value& term : terms) {
    if (term.is_undefined()) return undefined_error(term);
  }
  LookupCall call{*this, row->name, std::move(terms), std::move(options)};
  return row->function(call);
}

// `lookup('file', '{{ folder }}/x')`: terms are rendered once more.
// @source ansible-core 2.14, Templar._lookup: listify_lookup_plugin_terms
Result<Value> Render::rendered_term(const Value& term) {
  if (term.is_string()) {
    if (term.is_unsafe() || !has_template(term.as_string())) return term;
    static const Options kOptions;
    GS_TRY(const auto compiled,
           cache().compile(term.as_string(), term.origin(), kOptions, TemplateCache::What::text));
    GS_TRY(Value rendered, render_value(*compiled, context_));
    return mark_deep(std::move(rendered), term.marks());
  }
  if (!term.is_list()) return term;
  List items;
  items.reserve(term.size());
  for (const Value& item : term.as_list()) {
    GS_TRY(Value rendered, rendered_term(item));
    items.push_back(std::move(rendered));
  }
  return Value(std::move(items)).marked(term.marks());
}

Result<Value> Render::call_lookup(CallArguments arguments, bool wants_list) {
  if (arguments.positional.empty())
    return Error(ErrorCode::template_type, "lookup() needs the name of a lookup");
  GS_TRY(const std::string name, text_of(arguments.positional.front()));
  List terms(arguments.positional.begin() + 1, arguments.positional.end());
  for (Value& term : terms) {
    GS_TRY(term, rendered_term(term));
  }
  Map options = std::move(arguments.named);
  const auto take = [&](std::string_view key) {
    Value out;
    if (const Value* found = options.find(key)) {
      out = *found;
      options.erase(std::string_view(key));
    }
    return out;
  };
  const Value wantlist = take("wantlist");
  const Value errors = take("errors");
  const Value allow_unsafe = take("allow_unsafe");
  wants_list = wants_list || wantlist.truthy();
  Mark marks = Mark::none;
  for (const Value& term : terms) marks = marks | (deep_marks(term) & Mark::secret);
  auto found = lookup(name, std::move(terms), std::move(options));
  if (!found) {
    const bool ignored =
        errors.is_string() && (errors.as_string() == "ignore" || errors.as_string() == "warn");
    if (!ignored || found.error().code() != ErrorCode::lookup_failed)
      return std::move(found).error();
    return wants_list ? Value(List()) : Value();
  }
  if (found->empty()) return Value(List());
  // What a lookup brings in is data, never a template.
  if (!allow_unsafe.truthy()) marks = marks | Mark::unsafe;
  if (wants_list) return mark_deep(Value(std::move(*found)), marks);
  const bool all_text =
      std::all_of(found->begin(), found->end(), [](const Value& item) { return item.is_string(); });
  if (!all_text)
    return mark_deep(found->size() == 1 ? found->front() : Value(std::move(*found)), marks);
  if (found->size() == 1) return mark_deep(found->front(), marks);
  std::string joined;
  for (const Value& item : *found) {
    if (!joined.empty() || &item != &found->front()) joined += ',';
    joined += item.as_string();
    marks = marks | item.marks();
  }
  return Value(std::move(joined)).marked(marks);
}

Result<List> run_lookup(std::string_view name,
                        const List& terms,
                        const Map& options,
                        const Context& context,
                        Environment& environment) {
  static const Options kOptions;
  GS_TRY(const auto empty, environment.compile("", nullptr, kOptions));
  Render render(*empty, context, Mode::convert);
  return render.lookup(name, terms, options);
}

}  // namespace gpustack::jinja
