#pragma once
/// @file A crontab as lines: jobs under `#Ansible: NAME` headers, and variables.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// @source ansible-core 2.14, modules/cron.py
class CronTable {
 public:
  /// @param by_crontab  the text came from `crontab -l`, which may start with its own header
  CronTable(std::string_view text, bool by_crontab);

  /// Puts a job under its name. A job that stands there without a header gets one.
  /// @return whether anything changed
  bool set_job(const std::string& name, const std::string& job);
  bool remove_job(const std::string& name);
  /// @return whether anything changed; nothing when the variable to stand beside is not there
  std::optional<bool> set_variable(const std::string& name,
                                   const std::string& declaration,
                                   const std::string& after,
                                   const std::string& before);
  bool remove_variable(const std::string& name);

  [[nodiscard]] std::vector<std::string> job_names() const;
  [[nodiscard]] std::vector<std::string> variable_names() const;
  [[nodiscard]] bool is_blank() const;
  [[nodiscard]] std::string render() const;

 private:
  [[nodiscard]] std::optional<std::size_t> find_job(const std::string& name) const;
  [[nodiscard]] std::optional<std::size_t> find_variable(const std::string& name) const;

  std::vector<std::string> lines_;
};

}  // namespace gpustack::modules
