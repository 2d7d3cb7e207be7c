// template: a template file's text, rendered with the variables of here
#include "core/jinja/cache.hpp"
#include "core/jinja/lookups/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"

namespace gpustack::jinja {

namespace {

Result<Options> options_of(LookupCall& call) {
  Options options = Options::for_files();
  GS_TRY(options.variable_start, call.option("variable_start_string", options.variable_start));
  GS_TRY(options.variable_end, call.option("variable_end_string", options.variable_end));
  GS_TRY(options.comment_start, call.option("comment_start_string", options.comment_start));
  GS_TRY(options.comment_end, call.option("comment_end_string", options.comment_end));
  return options;
}

Result<List> render_template(LookupCall& call) {
  if (call.services() == nullptr) return call.fail("is not available here");
  GS_TRY(const Options base, options_of(call));
  const Mode mode = call.flag("jinja2_native", false) ? Mode::native
                    : call.render.context().native || !call.flag("convert_data", true)
                        ? Mode::text
                        : Mode::convert;
  List out;
  for (const Value& term : call.terms) {
    GS_TRY(const std::string name, text_of(term));
    auto path = call.services()->find_file("templates", name);
    if (!path)
      return call.fail("could not find the template '" + name + "': " + path.error().message());
    GS_TRY(const std::string text, call.services()->read_file(*path));
    GS_TRY(const TemplateHeader header, parse_header(text, base));
    Origin origin;
    origin.span = SourceSpan{intern_source(*path, text), header.length > 0 ? 2U : 1U, 1, 1};
    GS_TRY(const auto compiled,
           call.render.cache().compile(std::string_view(text).substr(header.length),
                                       &origin,
                                       header.options,
                                       TemplateCache::What::text));
    Map extra;
    extra.set("template_path", name);
    extra.set("template_fullpath", *path);
    if (const Value* given = call.options.find("template_vars");
        given != nullptr && given->is_map()) {
      for (const auto& [key, value] : given->as_map()) extra.set(key, value);
    }
    GS_TRY(Value rendered, call.render.render_nested(*compiled, mode, &extra));
    out.push_back(mode == Mode::text ? rendered.as_text() : rendered);
  }
  return out;
}

constexpr LookupRow kRows[] = {{"template", render_template}};

}  // namespace

LookupTable template_lookups() { return kRows; }

}  // namespace gpustack::jinja
