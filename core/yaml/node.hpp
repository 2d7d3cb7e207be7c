#pragma once
/// @file YAML as Ansible reads it: a tree in which every node and every key knows where it stands.

#include "core/base/value.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::yaml {

enum class NodeKind : std::uint8_t { null, scalar, sequence, mapping };

/// One node. Anchors are resolved, merge keys merged, YAML 1.1 types applied. Immutable once
/// loaded; a copy shares what is below it, so that an alias costs nothing.
class Node {
 public:
  struct Member;

  Node();
  Node(const Node&);
  Node(Node&&) noexcept;
  Node& operator=(const Node&);
  Node& operator=(Node&&) noexcept;
  ~Node();

  [[nodiscard]] NodeKind kind() const { return kind_; }
  [[nodiscard]] bool is_null() const { return kind_ == NodeKind::null; }
  [[nodiscard]] bool is_scalar() const { return kind_ == NodeKind::scalar; }
  [[nodiscard]] bool is_sequence() const { return kind_ == NodeKind::sequence; }
  [[nodiscard]] bool is_mapping() const { return kind_ == NodeKind::mapping; }

  /// The scalar, typed; strings carry their Origin (so that a fault inside a template finds its
  /// column). A `!vault` scalar is an object Value made by the loader's vault hook; `!unsafe`
  /// strings are marked unsafe. Null for a sequence or mapping.
  [[nodiscard]] const Value& scalar() const;
  [[nodiscard]] const std::vector<Node>& items() const;
  [[nodiscard]] const std::vector<Member>& members() const;
  [[nodiscard]] const Node* find(std::string_view key) const;
  [[nodiscard]] const Member* member(std::string_view key) const;
  [[nodiscard]] const SourceSpan& span() const { return span_; }

  /// The plain data below this node; built at load, so this only shares it.
  [[nodiscard]] const Value& to_value() const { return value_; }

 private:
  friend class Builder;
  struct Content;

  NodeKind kind_ = NodeKind::null;
  Value value_;
  std::shared_ptr<const Content>
      content_;  ///< items or members; shared by every alias of this node
  SourceSpan span_;
};

struct Node::Member {
  Value key;  ///< typed as YAML 1.1 reads it; a string key carries its Origin
  SourceSpan key_span;
  Node value;
};

/// A problem that does not stop the load (duplicate key: the last one wins, as in Ansible).
struct Warning {
  std::string message;
  SourceSpan span;
};

struct Document {
  Node root;
  std::vector<Warning> warnings;
  const SourceFile* source = nullptr;
};

/// Turns the text of a `!vault` scalar, or of a whole vault file, into its value.
class VaultReader {
 public:
  virtual ~VaultReader() = default;
  virtual Result<Value> open(std::string_view armoured, SourceSpan span) = 0;
  /// The same for one value of a document. A reader may leave closed what it has no password for:
  /// it gives a SealedText then.
  virtual Result<Value> open_value(std::string_view armoured, SourceSpan span) {
    return open(armoured, span);
  }
};

/// What a key written twice in a mapping is: nothing, a warning, an error.
enum class DuplicateKeys : std::uint8_t { ignore, warn, error };
/// For all documents that are loaded from now on (`warn` at first). @thread before others start
void set_duplicate_keys(DuplicateKeys mode);

/// Loads one YAML document. BOM and CRLF are accepted; UTF-16, NUL, bad UTF-8, several documents,
/// depth over 200, more than a million expanded nodes, recursive aliases and unterminated quotes
/// are errors with a position.
/// @param vault  opens vault text; without one, vault text is error vault_no_secret
/// @error yaml_syntax, yaml_encoding, yaml_limit, yaml_alias, vault_header, vault_no_secret
Result<Document> load(const std::string& path, std::string text, VaultReader* vault = nullptr);
/// Reads and loads a file; a whole-file vault is opened first. @error file_not_found,
/// file_unreadable, as load()
Result<Document> load_file(const std::string& path, VaultReader* vault = nullptr);

/// Text that belongs to no file (`from_yaml`): plain data without origins, `!vault` and `!unsafe`;
/// problems carry line and column in their message. @error as load()
Result<Value> parse_text(std::string_view text);
/// Every document of such a text (`from_yaml_all`).
Result<std::vector<Value>> parse_all_text(std::string_view text);

/// YAML 1.1 typing of a plain scalar, as PyYAML's safe loader does it (yes/no, 0755, 1:30, .inf,
/// ~). Dates and integers beyond 64 bits stay text.
Value typed_plain_scalar(std::string_view text);

}  // namespace gpustack::yaml
