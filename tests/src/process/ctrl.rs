//! Asking a program to end as whoever types into its console does.
//!
//! Ctrl-Break goes to one group of processes alone, and each program that tests start has one of its
//! own. Wine 10 answers it by ending one thread of the program, and no program hears of it. There it is
//! Ctrl-C, which Wine sends to one group too, but programs of a group of their own are deaf to: they are
//! made to hear first.

use std::{
    ffi::c_void,
    io,
    os::windows::io::{FromRawHandle as _, OwnedHandle},
    ptr,
};

use windows::{
    Win32::{
        Foundation::HANDLE,
        System::{
            Console::{
                AllocConsole, CTRL_BREAK_EVENT, CTRL_C_EVENT, FreeConsole,
                GenerateConsoleCtrlEvent, GetConsoleProcessList, GetStdHandle, STD_ERROR_HANDLE,
                STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle,
            },
            LibraryLoader::{GetModuleHandleW, GetProcAddress},
            Threading::{OpenProcess, PROCESS_ALL_ACCESS},
        },
    },
    core::{s, w},
};

windows::core::link!("ntdll.dll" "system" fn NtQueryInformationProcess(process: HANDLE, class: i32, information: *mut c_void, length: u32, returned: *mut u32) -> i32);
windows::core::link!("kernel32.dll" "system" fn ReadProcessMemory(process: HANDLE, from: *const c_void, to: *mut c_void, length: usize, moved: *mut usize) -> i32);
windows::core::link!("kernel32.dll" "system" fn WriteProcessMemory(process: HANDLE, to: *const c_void, from: *const c_void, length: usize, moved: *mut usize) -> i32);

/// Asks the programs of the group of process `pid` to end.
pub(super) fn ask_to_end(pid: u32) -> io::Result<()> {
    let event = if is_wine() {
        let_hear_ctrl_c(pid)?;
        CTRL_C_EVENT
    } else {
        CTRL_BREAK_EVENT
    };
    // SAFETY: takes numbers only.
    Ok(unsafe { GenerateConsoleCtrlEvent(event, pid) }?)
}

fn is_wine() -> bool {
    // SAFETY: the names live as long as the program, and the library is in every process.
    let module = unsafe { GetModuleHandleW(w!("ntdll.dll")) };
    // SAFETY: as above.
    module.is_ok_and(|module| unsafe { GetProcAddress(module, s!("wine_get_version")) }.is_some())
}

/// Clears the flag by which a process was started deaf to Ctrl-C.
fn let_hear_ctrl_c(pid: u32) -> io::Result<()> {
    // Of a process of 64 bits: its block's parameters, and their flags of the console.
    const PARAMETERS: usize = 0x20;
    const CONSOLE_FLAGS: usize = 0x18;
    // SAFETY: takes numbers only; the handle is new and owned by nobody else.
    let (process, _open) = unsafe {
        let process = OpenProcess(PROCESS_ALL_ACCESS, false, pid)?;
        (process, OwnedHandle::from_raw_handle(process.0))
    };
    // The status, where the process's block is, and four numbers more.
    let mut basic = [0_usize; 6];
    let (mut parameters, cleared) = (0_usize, 0_u32);
    let (size, none) = (size_of_val(&basic) as u32, ptr::null_mut());
    let word = size_of::<usize>();
    // SAFETY: the handle is open; what is written to on this side outlives the calls and has the
    // lengths that they are told. On the other side it is what Wine keeps there.
    let done = unsafe {
        NtQueryInformationProcess(process, 0, basic.as_mut_ptr().cast(), size, ptr::null_mut()) == 0
            && ReadProcessMemory(
                process,
                (basic[1] + PARAMETERS) as *const c_void,
                (&raw mut parameters).cast(),
                word,
                none,
            ) != 0
            && WriteProcessMemory(
                process,
                (parameters + CONSOLE_FLAGS) as *const c_void,
                (&raw const cleared).cast(),
                size_of_val(&cleared),
                none,
            ) != 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Gives this process a console where it has none, and leaves its output where it goes.
pub(super) fn have_console() {
    let standard = [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE];
    // SAFETY: take an array with its length, numbers, and handles that stay open.
    unsafe {
        if GetConsoleProcessList(&mut [0; 1]) > 0 {
            return;
        }
        let kept = standard.map(|which| (which, GetStdHandle(which)));
        // Wine takes a program that was started without a terminal for one that has a console.
        let _ = FreeConsole();
        AllocConsole().expect("a console can be had");
        for (which, handle) in kept {
            if let Ok(handle) = handle {
                SetStdHandle(which, handle).expect("a handle can be set");
            }
        }
    }
}
