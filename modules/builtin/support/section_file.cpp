#include "modules/builtin/support/section_file.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr std::string_view kDefaults = "DEFAULT";

void write_option(std::string& out, const SectionFile::Option& option) {
  out += option.name + " = " + replace_all(option.value, "\n", "\n\t") + "\n";
}

}  // namespace

/// Reads line by line; a line that is indented more than its option goes on with the value.
class SectionFile::Parser {
 public:
  Parser(SectionFile& file, const std::string& path) : file_(file), path_(path) {}

  Result<void> line(const std::string& text) {
    ++number_;
    const std::string_view clean = trim(text);
    if (clean.empty()) {
      if (option_ != nullptr) option_->value += "\n";
      return {};
    }
    if (clean[0] == '#' || clean[0] == ';') return {};
    const std::size_t indent = text.find_first_not_of(kWhiteSpace);
    if (option_ != nullptr && indent > indent_) {
      option_->value += "\n" + std::string(clean);
      return {};
    }
    indent_ = indent;
    if (clean.starts_with('[') && clean.find(']') != std::string_view::npos && clean.size() > 2)
      return section(std::string(clean.substr(1, clean.rfind(']') - 1)));
    return option(clean);
  }

  void finish() { end_option(); }

 private:
  [[nodiscard]] Error fault(const std::string& what) const {
    return Error(ErrorCode::module_failed,
                 "'" + path_ + "', line " + std::to_string(number_) + ": " + what);
  }

  /// Empty lines behind a value do not belong to it.
  void end_option() {
    if (option_ != nullptr) option_->value = trim_right(option_->value);
    option_ = nullptr;
  }

  Result<void> section(const std::string& name) {
    end_option();
    if (name == kDefaults) {
      options_ = &file_.defaults_;
      return {};
    }
    const auto same = [&](const Section& one) { return one.name == name; };
    if (std::ranges::any_of(file_.sections_, same))
      return fault("the section [" + name + "] is there twice");
    file_.sections_.push_back(Section{.name = name, .options = {}});
    options_ = &file_.sections_.back().options;
    return {};
  }

  Result<void> option(std::string_view clean) {
    if (options_ == nullptr) return fault("expected a section, found '" + std::string(clean) + "'");
    const std::size_t end = clean.find_first_of("=:");
    const std::string name = lower(trim(clean.substr(0, end)));
    if (end == std::string_view::npos || name.empty())
      return fault("expected option = value, found '" + std::string(clean) + "'");
    end_option();
    const auto same = [&](const Option& one) { return one.name == name; };
    if (std::ranges::any_of(*options_, same))
      return fault("the option '" + name + "' is there twice");
    options_->push_back(Option{.name = name, .value = std::string(trim(clean.substr(end + 1)))});
    option_ = &options_->back();
    return {};
  }

  SectionFile& file_;
  const std::string& path_;
  std::vector<Option>* options_ = nullptr;
  Option* option_ = nullptr;
  std::size_t indent_ = 0;
  std::size_t number_ = 0;
};

Result<SectionFile> SectionFile::parse(std::string_view text, const std::string& path) {
  SectionFile out;
  Parser parser(out, path);
  for (const std::string& line : split_lines(text)) GS_TRY_VOID(parser.line(line));
  parser.finish();
  return out;
}

void SectionFile::remove(std::string_view section) {
  std::erase_if(sections_, [&](const Section& one) { return one.name == section; });
}

void SectionFile::put(Section section) {
  remove(section.name);
  sections_.push_back(std::move(section));
}

std::string SectionFile::text() const {
  std::string out;
  if (!defaults_.empty()) {
    out += "[" + std::string(kDefaults) + "]\n";
    for (const Option& option : defaults_) write_option(out, option);
    out += "\n";
  }
  for (const Section& section : sections_) {
    out += "[" + section.name + "]\n";
    for (const Option& option : section.options) write_option(out, option);
    out += "\n";
  }
  return out;
}

std::string SectionFile::sorted_text() const {
  std::map<std::string, std::map<std::string, std::string>> sorted;
  for (const Section& section : sections_) {
    auto& options = sorted[section.name];
    for (const Option& option : defaults_) options[option.name] = option.value;
    for (const Option& option : section.options) options[option.name] = option.value;
  }
  std::string out;
  for (const auto& [name, options] : sorted) {
    out += "[" + name + "]\n";
    for (const auto& [option, value] : options) {
      out += option;
      out += " = " + value + "\n";
    }
    out += "\n";
  }
  return out;
}

}  // namespace gpustack::modules
