#include "core/config/site_config.hpp"

#include "core/base/suggest.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

namespace gpustack::config {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kOutputs[] = {"pretty", "plain", "ansible", "json"};

// By name: find() searches by halves.
constexpr SiteSetting kSiteSettings[] = {
    {.name = "detailed_exitcode", .type = SiteType::boolean, .fallback = "false"},
    {.name = "handshakes", .type = SiteType::number, .fallback = "25", .most = 10'000},
    {.name = "keepalive_misses", .type = SiteType::number, .fallback = "3", .most = 100},
    {.name = "keepalive_seconds", .type = SiteType::number, .fallback = "15", .most = 600},
    {.name = "output", .type = SiteType::word, .words = kOutputs},
    {.name = "persist",
     .type = SiteType::number_or_off,
     .fallback = "60",
     .variable = "GPUSTACK_PERSIST",
     .most = 86'400},
    {.name = "pipelining",
     .type = SiteType::boolean,
     .fallback = "true",
     .variable = "GPUSTACK_PIPELINING"},
    {.name = "refused_pause_seconds", .type = SiteType::number, .fallback = "15", .most = 600},
    {.name = "refused_tries", .type = SiteType::number, .fallback = "3", .most = 100},
    {.name = "runners", .type = SiteType::folder, .variable = "GPUSTACK_RUNNERS"},
};

static_assert(std::ranges::is_sorted(kSiteSettings, {}, &SiteSetting::name));

const SiteSetting* find(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kSiteSettings, name, {}, &SiteSetting::name);
  return found != std::end(kSiteSettings) && found->name == name ? found : nullptr;
}

std::string listed(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) out.append(out.empty() ? "" : ", ").append(word);
  return out;
}

/// As YAML writes it: to_text() is Python's `True`.
std::string scalar_text(const Value& value) {
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  return to_text(value);
}

std::string found_text(const yaml::Node& node) {
  if (node.is_mapping()) return "a mapping";
  if (node.is_sequence()) return "a list";
  if (node.is_null()) return "nothing";
  return "'" + scalar_text(node.to_value()) + "'";
}

std::string expected_text(const SiteSetting& setting) {
  using enum SiteType;
  switch (setting.type) {
    case word:
      return "one of " + listed(setting.words);
    case boolean:
      return "true or false";
    case number:
      return "a whole number from 1 to " + std::to_string(setting.most);
    case number_or_off:
      return "a whole number from 1 to " + std::to_string(setting.most) + ", or false";
    case folder:
      break;
  }
  return "a folder";
}

bool fits(const SiteSetting& setting, const Value& value) {
  using enum SiteType;
  switch (setting.type) {
    case word:
      return value.is_string() &&
             std::ranges::find(setting.words, value.as_string()) != std::ranges::end(setting.words);
    case boolean:
      return value.is_bool();
    case number_or_off:
      if (value.is_bool()) return !value.as_bool();
      [[fallthrough]];
    case number:
      return value.is_integer() && value.as_integer() >= 1 && value.as_integer() <= setting.most;
    case folder:
      break;
  }
  return value.is_string() && !value.as_string().empty();
}

/// A name that is none of ours: perhaps ansible.cfg's, perhaps misspelt.
Error unknown(const yaml::Node::Member& member) {
  const std::string name = to_text(member.key);
  std::vector<std::string_view> known;
  for (const SiteSetting& one : kSiteSettings) known.push_back(one.name);
  std::string hint;
  const auto foreign = std::ranges::find(settings(), name, &Setting::key);
  if (!name.empty() && foreign != settings().end()) {
    hint = "it belongs in ansible.cfg, section [" + std::string(foreign->section) + "]";
  } else {
    hint = suggest(name, known);
  }
  if (hint.empty()) hint = "there are " + listed(known);
  return Error(ErrorCode::config_invalid, "unknown setting '" + name + "'")
      .at(member.key_span)
      .hint(std::move(hint));
}

Error refusal(const SiteSetting& setting, const yaml::Node& node) {
  Error error(ErrorCode::config_invalid,
              std::string(setting.name) + " must be " + expected_text(setting) + ", found " +
                  found_text(node));
  std::string hint;
  if (setting.type == SiteType::word && node.to_value().is_string()) {
    hint = suggest(node.to_value().as_string(),
                   std::vector<std::string_view>(setting.words.begin(), setting.words.end()));
  }
  const Value& value = node.to_value();
  if (value.is_string() && fits(setting, yaml::typed_plain_scalar(value.as_string())))
    hint = "write it without quotes";
  return std::move(error).at(node.span()).hint(std::move(hint));
}

std::string absolute(const std::string& path, const std::string& folder, const std::string& home) {
  if (path == "~" || path.starts_with("~/")) return home + path.substr(1);
  return (fs::path(folder) / path).lexically_normal().string();
}

std::optional<std::string> from_environment(const SiteSetting& setting, const Sources& sources) {
  if (setting.variable.empty()) return std::nullopt;
  auto text = sources.variable(setting.variable);
  return text && !text->empty() ? text : std::nullopt;
}

}  // namespace

std::span<const SiteSetting> site_settings() { return kSiteSettings; }

Result<SiteConfig> SiteConfig::load(const std::string& folder, const Sources& sources) {
  SiteConfig config;
  const std::string path = folder + "/gpustack.yml";
  std::error_code problem;
  if (fs::is_regular_file(path, problem)) {
    if (anyone_may_write(folder)) {
      config.warnings_.push_back(
          {"'" + path + "' is ignored: anyone may write to its folder", SourceSpan()});
    } else {
      GS_TRY_VOID(config.read_file(path, sources));
    }
  }
  for (const SiteSetting& setting : kSiteSettings) {
    const auto text = from_environment(setting, sources);
    if (!text) continue;
    Value value = yaml::typed_plain_scalar(*text);
    if (setting.type == SiteType::folder) value = absolute(*text, sources.folder, sources.home);
    if (!fits(setting, value)) {
      return Error(ErrorCode::config_invalid,
                   std::string(setting.variable) + " must be " + expected_text(setting) +
                       ", found '" + *text + "'")
          .hint("it sets '" + std::string(setting.name) + "' of gpustack.yml");
    }
    config.given_[std::string(setting.name)] =
        Given{std::move(value), std::string(setting.variable)};
  }
  return config;
}

Result<void> SiteConfig::read_file(const std::string& path, const Sources& sources) {
  GS_TRY(auto document, yaml::load_file(path));
  file_ = path;
  warnings_ = std::move(document.warnings);
  if (document.root.is_null()) return {};
  if (!document.root.is_mapping()) {
    return Error(ErrorCode::config_invalid,
                 "gpustack.yml must be a mapping of settings, found " + found_text(document.root))
        .at(document.root.span())
        .hint("such as 'output: plain'");
  }
  for (const yaml::Node::Member& member : document.root.members()) {
    const SiteSetting* setting = find(to_text(member.key));
    if (setting == nullptr) return unknown(member);
    if (!fits(*setting, member.value.to_value())) return refusal(*setting, member.value);
    Value value = member.value.to_value();
    if (setting->type == SiteType::folder) {
      value = absolute(value.as_string(), fs::path(path).parent_path(), sources.home);
      if (!from_environment(*setting, sources) && !fs::is_directory(value.as_string())) {
        return Error(ErrorCode::config_invalid,
                     std::string(setting->name) + " must be a folder, and there is none at '" +
                         std::string(value.as_string()) + "'")
            .at(member.value.span())
            .hint("relative paths count from the folder of gpustack.yml");
      }
    }
    given_[std::string(setting->name)] =
        Given{std::move(value), path + ":" + std::to_string(member.key_span.line)};
  }
  return {};
}

Value SiteConfig::value(std::string_view name) const {
  if (const auto given = given_.find(name); given != given_.end()) return given->second.value;
  const SiteSetting* setting = find(name);
  GS_ASSERT(setting != nullptr, "only settings of the table are asked for");
  return yaml::typed_plain_scalar(setting->fallback);
}

std::string SiteConfig::text(std::string_view name) const {
  const Value found = value(name);
  return found.is_null() ? std::string() : to_text(found);
}

bool SiteConfig::boolean(std::string_view name) const { return value(name).as_bool(); }

std::int64_t SiteConfig::number(std::string_view name) const {
  const Value found = value(name);
  return found.is_bool() ? 0 : found.as_integer();
}

std::vector<std::string> SiteConfig::described() const {
  std::vector<std::string> out;
  for (const auto& [name, given] : given_)
    out.push_back(name + " = " + scalar_text(given.value) + " (" + given.origin + ")");
  return out;
}

}  // namespace gpustack::config
