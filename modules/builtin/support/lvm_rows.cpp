#include "modules/builtin/support/lvm_rows.hpp"

#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

Result<LvmReport> lvm_report(const SystemView& view,
                             std::string program,
                             const std::string& fields,
                             const std::vector<std::string>& more) {
  GS_TRY_VOID(required_program(view, program));
  std::vector<std::string> argv{std::move(program),
                                "--noheadings",
                                "--nosuffix",
                                "--units",
                                "b",
                                "--separator",
                                ";",
                                "-o",
                                fields};
  argv.insert(argv.end(), more.begin(), more.end());
  LvmReport report;
  GS_TRY(report.done, view.query(parsable_command(std::move(argv))));
  if (report.done.status != 0) return report;
  const auto wanted = static_cast<std::size_t>(std::ranges::count(fields, ',')) + 1;
  for (const std::string& line : split_lines(report.done.output)) {
    auto row = split(trim(line), ';');
    if (row.size() == wanted) report.rows.push_back(std::move(row));
  }
  return report;
}

}  // namespace gpustack::modules
