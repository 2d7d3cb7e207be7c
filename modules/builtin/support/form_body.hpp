#pragma once
/// @file Bodies of HTTP requests as web forms send them.

#include "modules/sdk/system.hpp"

#include <string>

namespace gpustack::modules {

/// `a=1&b=x+y` of a map, or of a list of pairs. A value that is a list stands once for each item,
/// null is left out; text stays as it is.
/// @error invalid_argument  neither of these
/// @source ansible-core 2.14, modules/uri.py
Result<std::string> form_urlencoded(const Value& body);

struct MultipartBody {
  std::string content_type;  ///< with the boundary
  std::string bytes;
};

/// Fields of text, or maps with filename, content and mime_type; what is read from a file travels
/// in base64, as Ansible sends it. Content that the controller sent along is in a field's
/// `_content`.
/// @param boundary  must not be in any field
/// @error invalid_argument  a field of another kind; file_operation
/// @source ansible-core 2.14, module_utils/urls.py: prepare_multipart
Result<MultipartBody> multipart_body(const Value& fields,
                                     const SystemView& view,
                                     const std::string& boundary);

}  // namespace gpustack::modules
