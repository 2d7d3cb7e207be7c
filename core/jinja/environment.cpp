#include "core/jinja/cache.hpp"
#include "core/jinja/parser.hpp"

#include <algorithm>
#include <mutex>

namespace gpustack::jinja {

namespace {

Error as_error(const ParseFault& fault, const Template& where) {
  Error error(fault.code, fault.where.message);
  error = std::move(error).at(where.span(fault.where.offset, fault.where.length));
  if (!fault.hint.empty()) error = std::move(error).hint(fault.hint);
  return error;
}

}  // namespace

const TemplateCache::Entry* TemplateCache::find(const Variants& variants,
                                                const Options& options,
                                                What what) {
  for (const Entry& one : variants) {
    if (one.what == what && one.program->options == options) return &one;
  }
  return nullptr;
}

Result<std::shared_ptr<const Template>> TemplateCache::compile(std::string_view source,
                                                               const Origin* origin,
                                                               const Options& options,
                                                               What what) {
  {
    const std::shared_lock lock(mutex_);
    const auto found = entries_.find(source);
    const Entry* known = found != entries_.end() ? find(found->second, options, what) : nullptr;
    if (known != nullptr && known->latest->written_at(origin)) return known->latest;
    if (known != nullptr) return std::make_shared<const Template>(known->program, origin, this);
  }
  auto program = std::make_shared<Program>();
  program->source = source;
  program->options = options;
  if (options.keep_trailing_newline && what == What::text) {
    const auto last = source.find_last_not_of('\n');
    program->trailing_newlines = source.size() - (last == std::string_view::npos ? 0 : last + 1);
  }
  auto parsed = what == What::text ? parse_template(*program) : parse_bare_expression(*program);
  auto made = std::make_shared<const Template>(program, origin, this);
  if (!parsed) return as_error(parsed.error(), *made);
  const std::unique_lock lock(mutex_);
  if (entries_.size() >= kMaxEntries) entries_.clear();
  Variants& variants = entries_[std::string(source)];
  // Another thread may have been faster.
  if (find(variants, options, what) == nullptr)
    variants.push_back(Entry{what, std::move(program), made});
  return made;
}

Environment::Environment() : cache_(std::make_unique<Cache>()) {}
Environment::~Environment() = default;

Result<std::shared_ptr<const Template>> Environment::compile(std::string_view source,
                                                             const Origin* origin,
                                                             const Options& options) {
  return cache_->compile(source, origin, options, TemplateCache::What::text);
}

Result<std::shared_ptr<const Template>> Environment::compile_expression(std::string_view source,
                                                                        const Origin* origin) {
  static const Options kExpression = [] {
    Options options;
    options.literal_backslashes = false;
    return options;
  }();
  return cache_->compile(source, origin, kExpression, TemplateCache::What::expression);
}

}  // namespace gpustack::jinja
