#include "modules/builtin/support/apt_sources.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr const char* kMainFile = "/etc/apt/sources.list";
constexpr const char* kFolder = "/etc/apt/sources.list.d";

std::string single_spaced(std::string_view text) { return join(split_words(text), " "); }

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// `word://` goes, wherever it stands.
std::string without_protocols(std::string text) {
  for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at)) {
    std::size_t start = at;
    while (start > 0 && is_word_char(text[start - 1])) --start;
    if (start == at) {
      at += 3;
      continue;
    }
    text.erase(start, at + 3 - start);
    at = start;
  }
  return text;
}

std::string without_options(std::string text) {
  for (std::size_t open = text.find('['); open != std::string::npos; open = text.find('[')) {
    const std::size_t close = text.find(']', open);
    if (close == std::string::npos || close == open + 1) break;
    text.erase(open, close + 1 - open);
  }
  return text;
}

std::string render_line(const SourceLine& line) {
  std::string out = line.enabled ? "" : "# ";
  out += line.source;
  if (!line.comment.empty()) out += " # " + line.comment;
  return out + "\n";
}

}  // namespace

SourceLine parse_source_line(std::string_view line) {
  SourceLine out;
  line = trim(line);
  if (line.starts_with('#')) {
    out.enabled = false;
    line.remove_prefix(1);
  }
  const std::size_t hash = line.find('#');
  if (hash != std::string_view::npos && hash > 0) {
    out.comment = trim(line.substr(hash + 1));
    line = line.substr(0, hash);
  }
  out.source = trim(line);
  const auto words = split_words(line);
  if (!words.empty() && (words[0] == "deb" || words[0] == "deb-src")) {
    out.valid = true;
    out.source = single_spaced(line);
  }
  return out;
}

Result<AptSources> AptSources::load(const SystemView& view) {
  AptSources out;
  const auto read_file = [&](const std::string& path) -> Result<void> {
    GS_TRY(const auto info, view.stat(path));
    if (!info || info->kind != FileKind::regular) return {};
    GS_TRY(const std::string text, view.read(path));
    out.loaded_[path] = true;
    for (const std::string& line : split_lines(text))
      out.files_[path].push_back(parse_source_line(line));
    return {};
  };
  GS_TRY_VOID(read_file(kMainFile));
  const auto names = view.list(kFolder);
  if (!names) return out;
  for (const std::string& name : *names) {
    if (name.ends_with(".list") && !name.starts_with('.'))
      GS_TRY_VOID(read_file(join_path(kFolder, name)));
  }
  return out;
}

void AptSources::add(const SourceLine& source, const std::string& file) {
  bool found = false;
  for (auto& [path, lines] : files_) {
    for (SourceLine& line : lines) {
      if (!line.valid || line.source != source.source) continue;
      line.enabled = true;
      found = true;
    }
  }
  if (found) return;
  const std::string path = file.find('/') == std::string::npos ? join_path(kFolder, file) : file;
  files_[path].push_back(SourceLine{true, true, source.source, ""});
}

void AptSources::remove(const std::string& source) {
  for (auto& [path, lines] : files_) {
    std::erase_if(lines, [&](const SourceLine& line) {
      return line.valid && line.enabled && line.source == source;
    });
  }
}

std::map<std::string, std::string> AptSources::render() const {
  std::map<std::string, std::string> out;
  for (const auto& [path, lines] : files_) {
    if (lines.empty()) continue;
    for (const SourceLine& line : lines) out[path] += render_line(line);
  }
  return out;
}

std::string suggested_list_file(std::string_view source) {
  const std::string plain = without_protocols(without_options(std::string(source)));
  std::string address;
  for (const std::string& word : split_words(plain)) {
    if (word == "deb" || word == "deb-src") continue;
    address = word;
    break;
  }
  const std::size_t at = address.find('@');
  if (at != std::string::npos) address.erase(0, at + 1);
  for (char& c : address) {
    if (!is_word_char(c) || c == '_') c = ' ';
  }
  return join(split_words(address), "_") + ".list";
}

}  // namespace gpustack::modules
