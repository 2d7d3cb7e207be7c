#include "core/gpu/check_report.hpp"

#include <algorithm>

namespace gpustack::gpu {

namespace {

constexpr std::size_t kTitleWidth = 24;

std::string summary(const CheckedHost& host) {
  std::string text;
  for (const CheckStatus status :
       {CheckStatus::pass, CheckStatus::warn, CheckStatus::fail, CheckStatus::skip}) {
    text += (text.empty() ? "" : ", ") + std::to_string(host.count(status)) + " " +
            std::string(status_name(status));
  }
  return text;
}

/// What is found, and what should be there instead.
std::string message(const Finding& finding) {
  return finding.found + (finding.expected.empty() ? "" : "; expected " + finding.expected);
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (code >= 0x20 || c == '\n' || c == '\t') {
      out += c;
    } else {
      out += '?';  // XML has no way to write it
    }
  }
  return out;
}

std::string junit_case(const CheckedHost& host, const CheckedHost::Result& result) {
  const Finding& finding = result.finding;
  std::string out = "    <testcase classname=\"gpustack.verify." + xml_text(host.host) +
                    "\" name=\"" + std::string(result.check->id) + " " +
                    xml_text(result.check->title) + "\">";
  const std::string text = xml_text(message(finding));
  const std::string remedy = xml_text(finding.remedy);
  switch (finding.status) {
    case CheckStatus::fail:
      out += "<failure message=\"" + text + "\">" + remedy + "</failure>";
      break;
    case CheckStatus::skip:
      out += "<skipped message=\"" + text + "\"/>";
      break;
    case CheckStatus::warn:
      out += "<system-out>warning: " + text + (remedy.empty() ? "" : "\nfix: " + remedy) +
             "</system-out>";
      break;
    case CheckStatus::pass:
      out += "<system-out>" + text + "</system-out>";
      break;
  }
  return out + "</testcase>\n";
}

}  // namespace

std::size_t CheckedHost::count(CheckStatus status) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      results, [&](const Result& one) { return one.finding.status == status; }));
}

CheckedHost check_host(const CheckInput& input) {
  CheckedHost out{input.host.host, std::string(input.profile.name), {}};
  for (const Check& check : all_checks()) out.results.push_back({&check, check.run(input)});
  return out;
}

std::string check_table(const std::vector<CheckedHost>& hosts) {
  std::string out;
  for (const CheckedHost& host : hosts) {
    out += (out.empty() ? "" : "\n") + host.host + " (profile " + host.profile + ")\n";
    for (const CheckedHost::Result& one : host.results) {
      std::string title(one.check->title);
      title.resize(std::max(kTitleWidth, title.size() + 1), ' ');
      out += "  " + std::string(status_name(one.finding.status)) + "  " +
             std::string(one.check->id) + "  " + title + message(one.finding) + "\n";
      if (!one.finding.remedy.empty())
        out.append(13 + kTitleWidth, ' ').append("fix: ").append(one.finding.remedy).append("\n");
    }
    out += "  " + summary(host) + "\n";
  }
  return out;
}

Value check_data(const std::vector<CheckedHost>& hosts) {
  List all;
  for (const CheckedHost& host : hosts) {
    List checks;
    for (const CheckedHost::Result& one : host.results) {
      checks.push_back(Value::map({{"id", one.check->id},
                                   {"title", one.check->title},
                                   {"status", status_name(one.finding.status)},
                                   {"value", one.finding.found},
                                   {"expected", one.finding.expected},
                                   {"remedy", one.finding.remedy}}));
    }
    all.push_back(Value::map(
        {{"host", host.host}, {"profile", host.profile}, {"checks", Value(std::move(checks))}}));
  }
  return Value(std::move(all));
}

std::string check_junit(const std::vector<CheckedHost>& hosts) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"gpustack verify\">\n";
  for (const CheckedHost& host : hosts) {
    out += "  <testsuite name=\"" + xml_text(host.host) + "\" tests=\"" +
           std::to_string(host.results.size()) + "\" failures=\"" +
           std::to_string(host.count(CheckStatus::fail)) + "\" errors=\"0\" skipped=\"" +
           std::to_string(host.count(CheckStatus::skip)) + "\">\n";
    for (const CheckedHost::Result& one : host.results) out += junit_case(host, one);
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

}  // namespace gpustack::gpu
