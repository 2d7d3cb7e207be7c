#include "tests/support/memory_node.hpp"
#include "tests/support/memory_system.hpp"

namespace gpustack::test {

MemorySystem& MemorySystem::answers(const std::string& url,
                                    int status,
                                    std::string body,
                                    modules::HttpHeaders headers) {
  modules::HttpResponse response;
  response.status = status;
  response.reason = status == 200 ? "OK" : "";
  response.headers = std::move(headers);
  response.size = body.size();
  response.body = std::move(body);
  response.url = url;
  answers_[url] = std::move(response);
  return *this;
}

Result<modules::HttpResponse> MemorySystem::http(const modules::HttpQuery& query) const {
  return answer(modules::HttpRequest(query));
}

Result<modules::HttpResponse> MemorySystem::send(const modules::HttpRequest& request) {
  return answer(request);
}

Result<modules::HttpResponse> MemorySystem::answer(const modules::HttpRequest& request) const {
  requests_.push_back(request);
  const auto found = answers_.find(request.url);
  if (found == answers_.end())
    return Error(ErrorCode::module_failed, "no connection to '" + request.url + "'");
  modules::HttpResponse response = found->second;
  if (request.method == "HEAD") response.body.clear();
  return response;
}

Result<modules::HttpResponse> MemorySystem::download(const modules::HttpRequest& request,
                                                     const std::string& file) {
  GS_TRY(modules::HttpResponse response, send(request));
  if (response.status < 200 || response.status >= 300) return response;
  GS_TRY(Node * target, existing("download", file, false));
  GS_TRY_VOID(change("download", file));
  target->replace(std::move(response.body));
  response.body.clear();
  return response;
}

}  // namespace gpustack::test
