#pragma once
/// @file YAML as Ansible reads it: a tree in which every node and every key knows where it stands.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/value.hpp"

namespace gpustack::yaml {

enum class NodeKind : std::uint8_t { null, scalar, sequence, mapping };

/// One node. Anchors are resolved, merge keys merged, YAML 1.1 types applied. Immutable once loaded.
class Node {
 public:
  struct Member;

  Node();
  Node(const Node&);
  Node(Node&&) noexcept;
  Node& operator=(const Node&);
  Node& operator=(Node&&) noexcept;
  ~Node();

  NodeKind kind() const { return kind_; }
  bool is_null() const { return kind_ == NodeKind::null; }
  bool is_scalar() const { return kind_ == NodeKind::scalar; }
  bool is_sequence() const { return kind_ == NodeKind::sequence; }
  bool is_mapping() const { return kind_ == NodeKind::mapping; }

  /// The scalar, typed; strings carry their Origin (so that a fault inside a template finds its column).
  /// A `!vault` scalar is an object Value made by the loader's vault hook; `!unsafe` strings are marked unsafe.
  const Value& scalar() const { return scalar_; }
  const std::vector<Node>& items() const { return items_; }
  const std::vector<Member>& members() const;
  const Node* find(std::string_view key) const;
  const Member* member(std::string_view key) const;
  const SourceSpan& span() const { return span_; }

  /// The plain data below this node. Shared with the node where possible (cheap to call twice).
  Value to_value() const;

 private:
  friend class Builder;
  NodeKind kind_ = NodeKind::null;
  Value scalar_;
  std::vector<Node> items_;
  std::vector<Member> members_;
  SourceSpan span_;
};

struct Node::Member {
  Value key;  ///< typed as YAML 1.1 reads it; a string key carries its Origin
  SourceSpan key_span;
  Node value;
};

inline const std::vector<Node::Member>& Node::members() const { return members_; }

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
};

/// Loads one YAML document. BOM and CRLF are accepted; UTF-16, NUL, bad UTF-8, several documents, depth over 200,
/// more than a million expanded nodes, recursive aliases and unterminated quotes are errors with a position.
/// @param vault  opens vault text; without one, vault text is error vault_no_secret
/// @error yaml_syntax, yaml_encoding, yaml_limit, yaml_alias, vault_header, vault_no_secret
Result<Document> load(const std::string& path, std::string text, VaultReader* vault = nullptr);
/// Reads and loads a file; a whole-file vault is opened first. @error file_not_found, file_unreadable, as load()
Result<Document> load_file(const std::string& path, VaultReader* vault = nullptr);

/// YAML 1.1 typing of a plain scalar, as PyYAML's safe loader does it (yes/no, 0755, 1:30, .inf, ~, dates stay text).
Value typed_plain_scalar(std::string_view text);

}  // namespace gpustack::yaml
