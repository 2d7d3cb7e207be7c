#pragma once
/// @file gpustack.yml beside a site: the settings that are gpustack's own.

#include "core/base/result.hpp"
#include "core/base/value.hpp"
#include "core/config/config.hpp"
#include "core/yaml/node.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::config {

/// What a setting of ours takes.
enum class SiteType : std::uint8_t { word, boolean, number, number_or_off, folder };

struct SiteSetting {
  std::string_view name;
  SiteType type;
  std::string_view fallback = {};                ///< as gpustack.yml would write it
  std::string_view variable = {};                ///< of the environment; goes before the file
  std::span<const std::string_view> words = {};  ///< those that a word may be
  std::int64_t most = 0;                         ///< what a number is at most; at least it is 1
};

/// All of them, by name.
std::span<const SiteSetting> site_settings();

/// The settings of one run. Every value has been checked when the file was read.
class SiteConfig {
 public:
  SiteConfig() = default;

  /// @param folder  the site's, where gpustack.yml is looked for; as with ansible.cfg it does not
  /// count where anyone may write
  /// @error file_unreadable, yaml_*; config_invalid  an unknown name, or a value of another kind
  static Result<SiteConfig> load(const std::string& folder, const Sources& sources);

  /// Whether somebody has set it.
  [[nodiscard]] bool is_set(std::string_view name) const { return given_.contains(name); }
  /// As given, or the fallback; folders are absolute. @pre the name is known
  [[nodiscard]] std::string text(std::string_view name) const;
  [[nodiscard]] bool boolean(std::string_view name) const;
  /// 0 where a number may be `false`, and is.
  [[nodiscard]] std::int64_t number(std::string_view name) const;

  /// The file that was read; empty when there is none.
  [[nodiscard]] const std::string& file() const { return file_; }
  /// Every setting that somebody has set and where: `output = plain (gpustack.yml:3)`.
  [[nodiscard]] std::vector<std::string> described() const;
  [[nodiscard]] const std::vector<yaml::Warning>& warnings() const { return warnings_; }

 private:
  struct Given {
    Value value;
    std::string origin;  ///< `gpustack.yml:3`, or the environment variable
  };

  Result<void> read_file(const std::string& path, const Sources& sources);
  [[nodiscard]] Value value(std::string_view name) const;

  std::string file_;
  std::map<std::string, Given, std::less<>> given_;
  std::vector<yaml::Warning> warnings_;
};

}  // namespace gpustack::config
