#include "core/base/python_literal.hpp"
#include "core/base/suggest.hpp"
#include "core/yaml/clean_text.hpp"
#include "inventory/address.hpp"
#include "inventory/sources/source.hpp"
#include "inventory/text.hpp"
#include "inventory/words.hpp"

#include <algorithm>

namespace gpustack::inventory {

namespace {

enum class Section : std::uint8_t { hosts, vars, children };

/// A name up to blanks, ':' or ']'.
std::string_view name_at_start(std::string_view text) {
  return text.substr(0, std::min(text.find_first_of(":] \t\r\n\v\f"), text.size()));
}

/// Blanks and a comment, or nothing.
bool is_line_rest(std::string_view text) {
  const std::string_view rest = trimmed(text);
  return rest.empty() || rest[0] == '#';
}

struct Header {
  std::string name;
  std::string kind;
  std::size_t kind_offset = 0;
};

/// `[name]`, `[name:kind]`, with blanks and a comment behind.
std::optional<Header> parse_header(std::string_view line) {
  if (!line.starts_with('[')) return std::nullopt;
  Header header;
  header.name = name_at_start(line.substr(1));
  std::size_t at = 1 + header.name.size();
  if (header.name.empty() || at >= line.size()) return std::nullopt;
  if (line[at] == ':') {
    header.kind_offset = ++at;
    while (at < line.size() && is_word_character(line[at])) ++at;
    header.kind = line.substr(header.kind_offset, at - header.kind_offset);
    if (header.kind.empty()) return std::nullopt;
  }
  if (at >= line.size() || line[at] != ']' || !is_line_rest(line.substr(at + 1)))
    return std::nullopt;
  return header;
}

/// A group that something names before it is declared.
struct Pending {
  std::string name;
  Section section;
  SourceSpan span;
  std::vector<std::string> parents;
};

class IniReader {
 public:
  IniReader(SourceContext& context, const SourceFile* source, Mark marks)
      : context_(context), source_(source), marks_(marks) {}

  Result<void> read(std::string_view text) {
    for (const std::string_view line : split(text, '\n')) {
      ++line_number_;
      raw_ = line;
      const std::string_view content = trimmed(line);
      if (content.empty() || content[0] == '#' || content[0] == ';') continue;
      if (const auto fault = yaml::find_text_fault(content);
          fault && fault->code == ErrorCode::yaml_encoding) {
        return error(fault->message, content.substr(fault->offset)).hint(fault->hint);
      }
      GS_TRY_VOID(read_line(content));
    }
    return check_pending();
  }

 private:
  [[nodiscard]] SourceSpan span_of(std::string_view part) const {
    const auto offset = static_cast<std::size_t>(part.data() - raw_.data());
    return SourceSpan{source_,
                      line_number_,
                      static_cast<std::uint32_t>(code_points(raw_.substr(0, offset)) + 1),
                      static_cast<std::uint32_t>(std::max<std::size_t>(code_points(part), 1))};
  }

  Error error(std::string message, std::string_view part) const {
    return Error(ErrorCode::inventory_syntax, std::move(message)).at(span_of(part));
  }

  Result<void> read_line(std::string_view line) {
    if (const auto header = parse_header(line)) return read_header(*header, line);
    if (line.starts_with('[') && line.ends_with(']')) {
      return error("the section header '" + std::string(line) + "' cannot be read", line)
          .hint(
              "a header is written [name], [name:vars] or [name:children], without blanks inside");
    }
    switch (section_) {
      case Section::hosts:
        return read_host(line);
      case Section::vars:
        return read_variable(line);
      case Section::children:
        return read_child(line);
    }
    return {};
  }

  Result<void> read_header(const Header& header, std::string_view line) {
    if (header.kind.empty() || header.kind == "hosts") {
      section_ = Section::hosts;
    } else if (header.kind == "vars") {
      section_ = Section::vars;
    } else if (header.kind == "children") {
      section_ = Section::children;
    } else {
      static const std::vector<std::string> kKinds = {"hosts", "vars", "children"};
      std::string hint = suggest(header.kind, kKinds);
      if (hint.empty()) hint = "a section is of the kind hosts, vars or children";
      return error("the section [" + header.name + ":" + header.kind + "] has the unknown kind '" +
                       header.kind + "'",
                   line.substr(header.kind_offset, header.kind.size()))
          .hint(std::move(hint));
    }
    const SourceSpan span = span_of(line.substr(1, header.name.size()));
    group_ = context_.data.usable_name(header.name, span);
    const auto pending = find_pending(group_);
    if (context_.data.find_group(group_) == nullptr) {
      if (section_ == Section::vars && pending == pending_.end()) {
        pending_.push_back(Pending{group_, Section::vars, span, {}});
      }
      GS_TRY_VOID(context_.data.add_group(group_, span));
    }
    if (section_ == Section::vars) return {};
    const auto declared = find_pending(group_);
    if (declared == pending_.end()) return {};
    if (declared->section == Section::vars) {
      pending_.erase(declared);
      return {};
    }
    return adopt(group_);
  }

  std::vector<Pending>::iterator find_pending(const std::string& name) {
    return std::ranges::find_if(pending_, [&](const Pending& one) { return one.name == name; });
  }

  /// A group declared at last becomes a child of those that waited for it, and so do they in turn.
  Result<void> adopt(const std::string& name) {
    const auto waiting = find_pending(name);
    if (waiting == pending_.end()) return {};
    const Pending one = *waiting;
    pending_.erase(waiting);
    Group* const child = context_.data.find_group(name);
    for (const std::string& parent : one.parents) {
      Group* const above = context_.data.find_group(parent);
      if (above == nullptr || child == nullptr) continue;
      GS_TRY_VOID(context_.data.add_child(*above, *child, one.span));
      const auto next = find_pending(parent);
      if (next != pending_.end() && next->section == Section::children) GS_TRY_VOID(adopt(parent));
    }
    return {};
  }

  Result<void> read_host(std::string_view line) {
    const Words split_line = split_words(line);
    if (!split_line.problem.empty()) {
      return error("cannot read this host: " + split_line.problem,
                   line.substr(split_line.problem_at));
    }
    const Word& first = split_line.words.front();
    const std::string_view shown = line.substr(first.offset, first.length);
    GS_TRY(const HostEntry entry, expand_host_entry(first.text, span_of(shown)));
    if (trimmed(first.text).ends_with(':') && !entry.port) {
      return error("the host '" + first.text + "' ends with ':' and names no port", shown)
          .hint("is this a YAML inventory? then name the file with .yml");
    }
    if (std::ranges::find(entry.names, "---") != entry.names.end()) {
      return error("'---' is no host", shown)
          .hint("is this a YAML inventory? then name the file with .yml");
    }
    std::vector<Assignment> variables;
    for (std::size_t i = 1; i < split_line.words.size(); ++i) {
      const Word& word = split_line.words[i];
      const std::string_view written = line.substr(word.offset, word.length);
      const std::size_t equals = word.text.find('=');
      if (equals == std::string::npos) {
        return error("expected name=value after the host, found '" + word.text + "'", written)
            .hint(word.text.ends_with(':')
                      ? "is this a YAML inventory? then name the file with .yml"
                      : "one host stands on a line; quote values with blanks: name=\"a b\"");
      }
      variables.push_back(
          assignment(word.text.substr(0, equals), word.text.substr(equals + 1), written));
    }
    Group& group = *context_.data.find_group(group_);
    for (const std::string& name : entry.names) {
      GS_TRY(Host* const host, context_.data.add_host(name, entry.port, span_of(shown)));
      context_.data.put_into(*host, group);
      for (const Assignment& variable : variables) context_.data.set(*host, variable);
    }
    return {};
  }

  Result<void> read_variable(std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return error(
                 "expected name=value in [" + group_ + ":vars], found '" + std::string(line) + "'",
                 line)
          .hint(line.find(':') != std::string_view::npos ? "write '=' where YAML has ':'" : "");
    }
    const std::string_view name = trimmed(line.substr(0, equals));
    const std::string_view value = trimmed(line.substr(equals + 1));
    const std::string_view written = line.substr(
        static_cast<std::size_t>(name.data() == nullptr ? 0 : name.data() - line.data()));
    return context_.data.set(*context_.data.find_group(group_),
                             assignment(std::string(name), std::string(value), written));
  }

  Result<void> read_child(std::string_view line) {
    std::string name(name_at_start(line));
    if (name.empty() || !is_line_rest(line.substr(name.size()))) {
      return error("expected a group's name in [" + group_ + ":children], found '" +
                       std::string(line) + "'",
                   line)
          .hint(line.find('=') != std::string_view::npos
                    ? "variables belong into [" + group_ + ":vars]"
                    : "");
    }
    const SourceSpan span = span_of(line.substr(0, name.size()));
    name = context_.data.usable_name(name, span);
    if (Group* const child = context_.data.find_group(name)) {
      GS_TRY_VOID(context_.data.add_child(*context_.data.find_group(group_), *child, span));
      return {};
    }
    const auto waiting = find_pending(name);
    if (waiting != pending_.end()) {
      waiting->parents.push_back(group_);
    } else {
      pending_.push_back(Pending{name, Section::children, span, {group_}});
    }
    return {};
  }

  /// A value is a Python literal if it can be, else text; text knows its place, so that a template
  /// in it can be found.
  [[nodiscard]] Assignment assignment(std::string name,
                                      const std::string& text,
                                      std::string_view written) const {
    const SourceSpan span = span_of(written.substr(0, std::max<std::size_t>(name.size(), 1)));
    auto literal = read_python_literal(text);
    if (literal) return Assignment{Value(std::move(name)), literal->mark(marks_), span};
    const std::size_t at = written.find(text);
    const SourceSpan value_span =
        span_of(at == std::string_view::npos ? written : written.substr(at, text.size()));
    Value value = Value::string_at(text, Origin{value_span, ScalarStyle::plain, 0});
    return Assignment{Value(std::move(name)), value.mark(marks_), span};
  }

  Result<void> check_pending() const {
    if (pending_.empty()) return {};
    const Pending& one = pending_.front();
    std::vector<std::string> names;
    for (const auto& group : context_.data.groups()) {
      if (group->name() != one.name) names.push_back(group->name());
    }
    std::string hint = suggest(one.name, names);
    if (hint.empty()) hint = "declare it with a line [" + one.name + "]";
    const bool is_vars = one.section == Section::vars;
    return Error(ErrorCode::inventory_syntax,
                 is_vars
                     ? "the section [" + one.name + ":vars] belongs to a group that is not defined"
                     : "the section [" + one.parents.back() + ":children] names the group '" +
                           one.name + "', which is not defined")
        .at(one.span)
        .hint(std::move(hint));
  }

  SourceContext& context_;
  const SourceFile* source_;
  Mark marks_;
  std::uint32_t line_number_ = 0;
  std::string_view raw_;
  std::string group_ = "ungrouped";
  Section section_ = Section::hosts;
  std::vector<Pending> pending_;
};

constexpr std::string_view kVaultStart = "$ANSIBLE_VAULT";

/// As many lines as the text has, without what they say.
std::string redacted(std::string_view text) {
  std::string out;
  for (const std::string_view line : split(text, '\n')) out += line.empty() ? "\n" : "<secret>\n";
  return out;
}

Result<void> read_ini(SourceContext& context, OpenedSource& source) {
  GS_TRY(std::string text, source.text());
  Mark marks = Mark::none;
  if (text.starts_with(kVaultStart)) {
    const SourceSpan start{intern_source(source.name(), text), 1, 1, 1};
    if (context.options.vault == nullptr) {
      return Error(ErrorCode::vault_no_secret,
                   "the inventory is encrypted, and no vault password was given")
          .at(start);
    }
    GS_TRY(const Value opened, context.options.vault->open(text, start));
    text = to_text(opened);
    marks = Mark::secret;
  }
  text = yaml::with_plain_line_ends(std::move(text));
  const SourceFile* file =
      intern_source(source.name(), marks == Mark::none ? text : redacted(text));
  return IniReader(context, file, marks).read(text);
}

}  // namespace

const SourceKind kIniKind{
    .name = "ini",
    .wants = [](OpenedSource& source) { return source.is_file() && source.extension() != ".toml"; },
    .read = read_ini};

}  // namespace gpustack::inventory
