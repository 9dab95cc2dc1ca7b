//! The extension module `tepal._native`: asyncio's loop core, Task, Future and Handle.
//!
//! Layers, each of which imports only what stands before it: `interop` (the border to
//! CPython), `loop_core` (what is ready, due or watched), `handle`, `future`, `task`,
//! `transport`, `tls`, `running` (turns of the loop), `event_loop` (the loop's methods), and this file, which
//! only exports.

#![deny(unsafe_code)]

mod datagram;
mod event_loop;
mod executor;
mod functions;
mod future;
mod handle;
mod interop;
mod loop_core;
mod running;
mod sock;
mod stream_reader;
mod task;
mod tls;
mod transport;

/// The module's exports.
// The GIL is the lock of everything in here (docs/inside/decisions/0002).
#[pyo3::pymodule(gil_used = true)]
mod _native {
    use pyo3::prelude::{Bound, Py, PyAny, PyModule, PyResult, Python, pyfunction};
    use pyo3::sync::PyOnceLock;
    use pyo3::types::{PyCFunction, PyModuleMethods};

    use crate::interop::errors;
    use crate::interop::imports::{import_all, learn_context_layout};
    use crate::interop::interned::intern_all;
    use crate::interop::object::Object;
    use crate::interop::{
        coroutine_origin, openssl, running_task, sockets, stop_iteration, weak_collections,
    };
    use crate::{
        datagram, event_loop, executor, functions, future, handle, loop_core, sock, stream_reader,
        task, tls, transport,
    };

    fn give<T>(py: Python<'_>, result: errors::PyResult<T>) -> PyResult<T> {
        result.map_err(|_raised| pyo3::PyErr::fetch(py))
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        give(py, intern_all())?;
        give(py, import_all())?;
        give(py, learn_context_layout())?;
        give(py, stop_iteration::learn_layout())?;
        give(py, running_task::learn_layout())?;
        task::install_driver();
        give(py, loop_core::wrappers::make_types())?;
        give(py, loop_core::shared_context::make_type())?;
        let handle = give(py, handle::make_type())?;
        let timer_handle = give(py, handle::make_timer_type())?;
        give(py, handle::make_threadsafe_type())?;
        give(py, future::make_iterator_type())?;
        let future = give(py, future::make_type())?;
        give(py, future::make_chain_type())?;
        give(py, future::make_gathering_type())?;
        give(py, sock::make_type())?;
        give(py, executor::make_job_type())?;
        let job_queue = give(py, executor::make_queue_type())?;
        let endpoint = give(py, datagram::make_type())?;
        let task = give(py, task::make_type())?;
        give(py, functions::make_types())?;
        give(py, stream_reader::make_type())?;
        give(py, stream_reader::make_reader_state_type())?;
        give(py, stream_reader::make_writer_state_type())?;
        give(py, stream_reader::make_connected_type())?;
        give(py, transport::make_drain_type())?;
        give(py, sockets::learn_layout())?;
        give(py, transport::learn_transport_socket())?;
        give(py, transport::learn_server())?;
        give(py, weak_collections::learn())?;
        let stream_transport = give(py, transport::make_type())?;
        let (read_pipe, write_pipe) = give(py, transport::make_pipe_types())?;
        let tls_protocol = give(py, tls::make_type())?;
        let tls_transport = give(py, tls::make_transport_type())?;
        transport::install_upper(&tls::UPPER);
        let loop_core = give(py, event_loop::make_type())?;
        module.add("Handle", handle.into_bound(py))?;
        module.add("TimerHandle", timer_handle.into_bound(py))?;
        module.add("Future", future.into_bound(py))?;
        module.add("Task", task.into_bound(py))?;
        module.add("JobQueue", job_queue.into_bound(py))?;
        module.add("DatagramEndpoint", endpoint.into_bound(py))?;
        module.add("StreamTransport", stream_transport.into_bound(py))?;
        module.add("ReadPipeTransport", read_pipe.into_bound(py))?;
        module.add("WritePipeTransport", write_pipe.into_bound(py))?;
        module.add("TlsProtocolCore", tls_protocol.into_bound(py))?;
        module.add("TlsTransportCore", tls_transport.into_bound(py))?;
        for (name, function) in give(py, functions::all())? {
            module.add(name, function.into_bound(py))?;
        }
        module.add("LoopCore", loop_core.into_bound(py))
    }

    /// Learns how CPython's C Tasks are driven, from an example of a step and of a wake-up.
    #[pyfunction]
    fn recognise(step: &Bound<'_, PyAny>, wakeup: &Bound<'_, PyAny>) {
        event_loop::recognise(&Object::from_bound(step), &Object::from_bound(wakeup));
    }

    /// Makes `create_task` start Tasks eagerly by itself where this factory is set.
    #[pyfunction]
    fn recognise_eager_factory(factory: &Bound<'_, PyAny>) {
        event_loop::recognise_eager_factory(Object::from_bound(factory));
    }

    /// Gives the subclasses of asyncio's stream classes their native methods and attributes.
    #[pyfunction]
    #[pyo3(signature = (reader, served_reader, writer, replaced_writer, /))]
    fn install_stream_classes(
        reader: &Bound<'_, PyAny>,
        served_reader: &Bound<'_, PyAny>,
        writer: &Bound<'_, PyAny>,
        replaced_writer: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let classes = stream_reader::Classes {
            reader: Object::from_bound(reader),
            served_reader: Object::from_bound(served_reader),
            writer: Object::from_bound(writer),
            replaced_writer: Object::from_bound(replaced_writer),
        };
        let methods = transport::writer_methods();
        give(reader.py(), stream_reader::install(&classes, methods))
    }

    /// A native `StreamWriter` in the place of this new one of asyncio's, if it is for one of our loops; else the same one.
    #[pyfunction]
    #[pyo3(signature = (writer, /))]
    fn native_writer<'py>(writer: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let made = stream_reader::native_writer(&Object::from_bound(writer));
        give(writer.py(), made).map(|made| made.into_bound(writer.py()))
    }

    /// Looks up the functions of the OpenSSL that the extension module in `file` depends on; says whether they are there
    /// and are those of this version.
    #[pyfunction]
    #[pyo3(signature = (file, number, text, /))]
    fn load_openssl(file: &str, number: u64, text: &str) -> bool {
        openssl::load(file, number, text)
    }

    /// Gives `asyncio.TaskGroup` its native methods.
    #[pyfunction]
    fn install_task_group(py: Python<'_>) -> PyResult<()> {
        give(py, functions::install_task_group())
    }

    /// All unfinished Tasks of ours, of every loop.
    #[pyfunction]
    fn live_tasks(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        give(py, event_loop::live_tasks()).map(|tasks| tasks.into_bound(py))
    }

    /// Lets a Future of ours follow a `concurrent.futures.Future`.
    #[pyfunction]
    #[pyo3(signature = (source, destination, /))]
    fn follow(source: &Bound<'_, PyAny>, destination: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = source.py();
        let (source, destination) = (Object::from_bound(source), Object::from_bound(destination));
        give(py, future::follow(&source, &destination))
    }

    /// The number of a Task in the recording of its loop; 0 for one that was not recorded.
    #[pyfunction]
    #[pyo3(signature = (task, /))]
    fn note_of(task: &Bound<'_, PyAny>) -> u32 {
        event_loop::note_of(&Object::from_bound(task))
    }

    /// Coroutines of ours remember where they were made, from now on, or as before: calls with True and with False are
    /// counted against each other.
    #[pyfunction]
    #[pyo3(signature = (wanted, /))]
    fn keep_coroutine_origins(wanted: bool) {
        if wanted {
            coroutine_origin::keep_origins();
        } else {
            coroutine_origin::forget_origins();
        }
    }

    /// A callable that calls both with what it is called with, and returns what `second` returns. It has no Python frame, so
    /// that `second` sees its caller as if it had been called directly.
    #[pyfunction]
    #[pyo3(signature = (first, second, /))]
    fn call_both(
        py: Python<'_>,
        first: Py<PyAny>,
        second: Py<PyAny>,
    ) -> PyResult<Bound<'_, PyCFunction>> {
        PyCFunction::new_closure(py, None, None, move |arguments, _keywords| {
            let py = arguments.py();
            first.call1(py, arguments)?;
            second.call1(py, arguments)
        })
    }

    static FOREIGN: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();

    /// Tells who records edges of the call graph between futures that are none of ours.
    #[pyfunction]
    fn record_foreign_awaiters(py: Python<'_>, add: Py<PyAny>, discard: Py<PyAny>) {
        FOREIGN.get_or_init(py, || (add, discard));
    }

    /// Record that `future` is awaited on by `waiter`.
    #[pyfunction]
    #[pyo3(signature = (future, waiter, /))]
    fn future_add_to_awaited_by(
        future: &Bound<'_, PyAny>,
        waiter: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = future.py();
        let ours = future::add_awaiter(&Object::from_bound(future), &Object::from_bound(waiter));
        match (give(py, ours)?, FOREIGN.get(py)) {
            (false, Some((add, _))) => add.call1(py, (future, waiter)).map(drop),
            _ => Ok(()),
        }
    }

    /// Record that `future` is no longer awaited on by `waiter`.
    #[pyfunction]
    #[pyo3(signature = (future, waiter, /))]
    fn future_discard_from_awaited_by(
        future: &Bound<'_, PyAny>,
        waiter: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = future.py();
        let ours =
            future::discard_awaiter(&Object::from_bound(future), &Object::from_bound(waiter));
        match (give(py, ours)?, FOREIGN.get(py)) {
            (false, Some((_, discard))) => discard.call1(py, (future, waiter)).map(drop),
            _ => Ok(()),
        }
    }
}
