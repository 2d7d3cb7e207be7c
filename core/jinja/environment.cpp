#include "core/jinja/cache.hpp"
#include "core/jinja/parser.hpp"

#include <algorithm>
#include <mutex>

namespace gpustack::jinja {

namespace {

std::string cache_key(std::string_view source, const Options& options, TemplateCache::What what) {
  std::string key;
  key.reserve(source.size() + 32);
  key += what == TemplateCache::What::expression ? 'e' : 't';
  key += static_cast<char>('0' + (options.trim_blocks ? 1 : 0) + (options.lstrip_blocks ? 2 : 0) +
                           (options.keep_trailing_newline ? 4 : 0) +
                           (options.literal_backslashes ? 8 : 0));
  for (const std::string* part : {&options.variable_start,
                                  &options.variable_end,
                                  &options.block_start,
                                  &options.block_end,
                                  &options.comment_start,
                                  &options.comment_end,
                                  &options.newline_sequence}) {
    key += *part;
    key += '\0';
  }
  key += source;
  return key;
}

Error as_error(const ParseFault& fault, const Template& where) {
  Error error(fault.code, fault.where.message);
  error = std::move(error).at(where.span(fault.where.offset, fault.where.length));
  if (!fault.hint.empty()) error = std::move(error).hint(fault.hint);
  return error;
}

}  // namespace

Result<std::shared_ptr<const Template>> TemplateCache::compile(std::string_view source,
                                                               const Origin* origin,
                                                               const Options& options,
                                                               What what) {
  std::string key = cache_key(source, options, what);
  {
    const std::shared_lock lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      if (found->second.latest->written_at(origin)) return found->second.latest;
      return std::make_shared<const Template>(found->second.program, origin, this);
    }
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
  entries_[std::move(key)] = Entry{std::move(program), made};
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
