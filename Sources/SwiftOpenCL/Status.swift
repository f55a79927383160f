import COpenCL

/// Throws the error that `status` stands for, unless it is success.
func check(
    _ status: Int32, _ call: @autoclosure () -> String, on device: String? = nil,
    detail: @autoclosure () -> String? = nil
) throws(OpenCLError) {
    guard status != CL_SUCCESS else { return }
    throw OpenCLError(code: status, call: call(), device: device, detail: detail())
}

/// The results of the inputs that do not fail; the first failure, if nothing succeeds.
///
/// One broken driver, platform or device must not hide the others.
func survivors<Input, Output>(
    of inputs: [Input], _ transform: (Input) throws(OpenCLError) -> Output
) throws(OpenCLError) -> [Output] {
    var outputs: [Output] = []
    var failure: OpenCLError?
    for input in inputs {
        do throws(OpenCLError) {
            outputs.append(try transform(input))
        } catch {
            failure = failure ?? error
        }
    }
    if outputs.isEmpty, let failure { throw failure }
    return outputs
}
